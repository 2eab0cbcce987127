import { once } from "node:events";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { rowsOf, spellingsOf } from "../../src/system/connection-table.js";

const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const REST = "1 0000000000000000 20 4 30 10 -1                    ";

function line(
  number: number,
  ends: string,
  rest = `01 00000000:00000000 00:00000000 00000000  1000        0 4711`,
): string {
  return `${String(number).padStart(4)}: ${ends} ${rest} ${REST}\n`;
}

const CLIENT = "0100007F:D431 0100007F:8AE2";

describe("a table of connections", () => {
  it("gives the wanted row with its state, user and inode, and no other", () => {
    const table =
      HEAD + line(0, "0100007F:8AE2 0100007F:D431") + line(10_234, CLIENT) + line(2, "0100007F:D432 0100007F:8AE2");
    expect(rowsOf(table, (ends) => ends === CLIENT)).toEqual([{ ends: CLIENT, state: "01", uid: 1000, inode: 4711 }]);
  });

  it("gives every row that is wanted, also where the table ends in the middle of a line", () => {
    const table = HEAD + line(0, CLIENT) + line(1, CLIENT).slice(0, 20);
    expect(rowsOf(table, () => true)).toHaveLength(1);
    expect(rowsOf("", () => true)).toEqual([]);
    expect(rowsOf(HEAD, () => true)).toEqual([]);
  });

  it("reads a row of a time-wait socket, which has fewer columns", () => {
    const table =
      HEAD + `   0: ${CLIENT} 06 00000000:00000000 03:00000532 00000000     0        0 0 3 00000000fb13353d\n`;
    expect(rowsOf(table, () => true)).toEqual([{ ends: CLIENT, state: "06", uid: 0, inode: 0 }]);
  });

  it("spells an address of IPv4 in both tables", () => {
    const other = { address: "::ffff:127.0.0.1", port: 0x8ae2 };
    expect(spellingsOf({ address: "127.0.0.2", port: 0xd431 }, other)).toEqual([
      "0200007F:D431 0100007F:8AE2",
      "0000000000000000FFFF00000200007F:D431 0000000000000000FFFF00000100007F:8AE2",
    ]);
  });

  it.runIf(process.platform === "linux").each(["127.0.0.1", "::1"])(
    "spells %s as this machine's kernel does",
    async (host) => {
      const server = createServer().listen(0, host);
      await once(server, "listening");
      const { port } = server.address() as AddressInfo;
      const client = connect(port, host);
      await once(client, "connect");
      const spelled = spellingsOf({ address: host, port: client.localPort! }, { address: host, port });
      const table = readFileSync(`/proc/self/net/${host === "::1" ? "tcp6" : "tcp"}`, "latin1");
      expect(rowsOf(table, (ends) => spelled.includes(ends))).toMatchObject([{ state: "01", uid: process.getuid!() }]);
      client.destroy();
      server.close();
    },
  );
});
