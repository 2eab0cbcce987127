import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isOtherUser } from "../../src/runtime-api/other-user.js";
import { RuntimeApiFixture } from "../support/runtime-api-fixture.js";

const HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const connection = { remoteAddress: "127.0.0.1", remotePort: 0xd431, localPort: 0x8ae2 };

function table({ state = "01", uid = 1000, inode = 4711, from = "0100007F:D431", to = "0100007F:8AE2" }): string {
  const ours = `   2: 0100007F:8AE2 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0 20 4 30 10 -1`;
  const sibling = `   4: 0100007F:D431 0100007F:8AE2 01 00000000:00000000 00:00000000 00000000  1000        0 4713 1 0 20 4 30 10 -1`;
  const theirs = `   3: ${from} ${to} ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 ${inode} 1 0 20 4 30 10 -1`;
  return `${HEAD}${ours}\n${from.startsWith("02") ? `${sibling}\n` : ""}${theirs}\n`;
}

describe("the program at the other end", () => {
  it.each<[string, Parameters<typeof table>[0], boolean]>([
    ["is ours", {}, false],
    [
      "is ours, over a v4-mapped address",
      { from: `${"0".repeat(16)}FFFF00000100007F:D431`, to: `${"0".repeat(16)}FFFF00000100007F:8AE2` },
      false,
    ],
    ["is root's", { uid: 0 }, false],
    ["is another user's", { uid: 1001 }, true],
    ["is another user's, whose id begins as ours", { uid: 10_001 }, true],
    ["has closed: nobody tells any more whose it was", { state: "05", uid: 0, inode: 0 }, true],
    [
      "is another user's, from another address and the port that one of ours has",
      { uid: 1001, from: "0200007F:D431" },
      true,
    ],
    ["is of another connection, which says nothing of this one", { uid: 1001, from: "0100007F:D432" }, false],
  ])("%s", (_name, row, isOther) => {
    const remoteAddress = row.from?.startsWith("02") ? "127.0.0.2" : "127.0.0.1";
    expect(isOtherUser({ ...connection, remoteAddress }, { table: table(row), uid: 1000 })).toBe(isOther);
  });

  it("is let in where the system does not tell", () => {
    expect(isOtherUser(connection, { table: "", uid: 1000 })).toBe(false);
    expect(isOtherUser({ ...connection, remotePort: undefined }, { table: table({ uid: 1001 }), uid: 1000 })).toBe(
      false,
    );
  });
});

const NOBODY = 65_534;

describe.runIf(process.platform === "linux" && process.getuid?.() === 0)("as another user of this machine", () => {
  let fixture: RuntimeApiFixture;
  beforeEach(async () => void (fixture = await new RuntimeApiFixture().open()));
  afterEach(() => fixture.close());

  async function asNobody(...args: readonly string[]): Promise<string> {
    const child = spawn("curl", ["-sS", "-o", "/dev/null", "-w", "%{http_code}", ...args], {
      uid: NOBODY,
      cwd: "/",
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [printed] = await Promise.all([text(child.stdout), once(child, "exit")]);
    return printed;
  }

  it("nobody gets the event or says that the runtime failed, and the runtime still gets it", async () => {
    const root = `http://${fixture.api.address}/2018-06-01/runtime`;
    expect(await asNobody(`${root}/invocation/next`)).toBe("403");
    expect(await asNobody("-d", "{}", `${root}/init/error`)).toBe("403");
    expect(fixture.invocation.phase).toBe("starting");
    expect((await fixture.next()).status).toBe(200);
  });
});
