import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { CLIENT_PATIENCE_MS } from "../../src/core/client-patience.js";
import { SystemClock } from "../../src/system/clock.js";
import {
  type AcceptedConnection,
  type PeerVerdict,
  ProcPeers,
  type TableName,
} from "../../src/system/peer-identity.js";
import { FakeClock, settle } from "../support/fake-clock.js";

const OWN = 1000;
const SERVER_PORT = 0x8ae2;

interface RowOptions {
  readonly state?: string;
  readonly uid?: number;
  readonly inode?: number;
  readonly client?: string;
  readonly server?: string;
}

const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, "0");

function row(port: number, { state = "01", uid = OWN, inode = 4711, ...ends }: RowOptions = {}): string {
  const { client = "0100007F", server = "0100007F" } = ends;
  return `   0: ${client}:${hex(port)} ${server}:8AE2 ${state} 00000000:00000000 00:00000000 00000000  ${uid}        0 ${inode} 1 0 20 4 30 10 -1\n`;
}

const MAPPED = "0000000000000000FFFF00000100007F";

function connection(remotePort: number, address = "127.0.0.1"): AcceptedConnection & { destroyed: boolean } {
  return { remoteAddress: address, remotePort, localAddress: address, localPort: SERVER_PORT, destroyed: false };
}

/** Tables whose text the test sets. */
class Tables {
  readonly text: Record<TableName, string> = { tcp: "", tcp6: "" };
  reads = 0;
  problem: Error | undefined;

  readonly read = (name: TableName): string => {
    if (name === "tcp") this.reads++;
    if (this.problem) throw this.problem;
    return `head\n${this.text[name]}`;
  };
}

function setUp() {
  const clock = new FakeClock();
  const tables = new Tables();
  const peers = new ProcPeers({ clock, uid: OWN, readTable: tables.read, notChecked: undefined });
  return { clock, tables, peers };
}

describe("whose a connection is", () => {
  it.each<[string, string, PeerVerdict]>([
    ["is ours", row(50_000), { kind: "own", peer: { uid: OWN, inode: 4711 } }],
    ["is root's", row(50_000, { uid: 0 }), { kind: "other", peer: { uid: 0, inode: 4711 } }],
    ["is another user's", row(50_000, { uid: 1001 }), { kind: "other", peer: { uid: 1001, inode: 4711 } }],
    [
      "is another user's, whose uid begins as ours",
      row(50_000, { uid: 10_001 }),
      { kind: "other", peer: { uid: 10_001, inode: 4711 } },
    ],
    ["is ours and half closed", row(50_000, { state: "05" }), { kind: "half-closed" }],
    [
      "is another user's and half closed",
      row(50_000, { state: "05", uid: 1001 }),
      { kind: "other", peer: { uid: 1001, inode: 4711 } },
    ],
    ["is gone, and not root's: closed", row(50_000, { state: "05", uid: 0, inode: 0 }), { kind: "gone" }],
    ["is gone: closed just now", row(50_000, { state: "04", inode: 0 }), { kind: "gone" }],
    ["is gone: established without a socket", row(50_000, { inode: 0 }), { kind: "gone" }],
    [
      "is that of the live row beside an earlier connection's",
      row(50_000, { state: "06", uid: 0, inode: 0 }) + row(50_000),
      { kind: "own", peer: { uid: OWN, inode: 4711 } },
    ],
  ])("%s", async (_name, text, verdict) => {
    const { tables, peers } = setUp();
    tables.text.tcp = text;
    expect(await peers.of(connection(50_000))).toEqual(verdict);
  });

  it("is told of a client with a v4-mapped socket, and of one on ::1", async () => {
    const { tables, peers } = setUp();
    const six = "00000000000000000000000001000000";
    tables.text.tcp6 =
      row(50_000, { client: MAPPED, server: MAPPED, uid: 1001 }) + row(50_001, { client: six, server: six, inode: 2 });
    expect(await peers.of(connection(50_000))).toMatchObject({ kind: "other" });
    expect(await peers.of(connection(50_001, "::1"))).toEqual({ kind: "own", peer: { uid: OWN, inode: 2 } });
  });

  it("is not taken from a connection that shares only one end, or only a port", async () => {
    const { clock, tables, peers } = setUp();
    tables.text.tcp =
      row(50_001) + row(50_000, { client: "0200007F" }) + row(50_000, { server: "0200007F" }) + row(SERVER_PORT);
    const asked = peers.of(connection(50_000));
    await clock.advance(CLIENT_PATIENCE_MS);
    expect(await asked).toEqual({ kind: "late" });
  });

  it("is gone where the client reset it before it was accepted, and nothing is read for that", async () => {
    const { tables, peers } = setUp();
    expect(await peers.of({ destroyed: true })).toEqual({ kind: "gone" });
    expect(tables.reads).toBe(0);
  });
});

describe("how often the tables are read", () => {
  it("once for a connection, however often it is asked", async () => {
    const { tables, peers } = setUp();
    tables.text.tcp = row(50_000);
    const kept = connection(50_000);
    await peers.of(kept);
    tables.text.tcp = row(50_000, { uid: 1001 });
    expect(await peers.of(kept)).toMatchObject({ kind: "own" });
    expect(tables.reads).toBe(1);
  });

  it("once for a thousand that ask in the same turn", async () => {
    const { tables, peers } = setUp();
    const ports = Array.from({ length: 1000 }, (_, index) => 10_000 + index);
    tables.text.tcp = ports.map((port) => row(port)).join("");
    const asked = ports.map((port) => peers.of(connection(port)));
    expect((await Promise.all(asked)).every(({ kind }) => kind === "own")).toBe(true);
    expect(tables.reads).toBe(1);
  });

  it("for no connection before it was asked about, as the row could be of an earlier one with the same ends", async () => {
    const { tables, peers } = setUp();
    tables.text.tcp = row(50_000) + row(50_001, { uid: 1001 });
    expect(await peers.of(connection(50_000))).toMatchObject({ kind: "own" });
    tables.text.tcp = row(50_001);
    expect(await peers.of(connection(50_001))).toMatchObject({ kind: "own" });
    expect(tables.reads).toBe(2);
  });

  it("less often, the larger the table is, and no client waits for that longer than it can", async () => {
    const { clock, tables, peers } = setUp();
    const others = row(1).repeat(40_000);
    let told = 0;
    for (let port = 10_000; port < 10_020; port++) {
      tables.text.tcp = others + row(port);
      const asked = peers.of(connection(port)).then(({ kind }) => (told += kind === "own" ? 1 : 0));
      await clock.advance(250);
      await asked;
    }
    expect([told, tables.reads]).toEqual([20, 20]);
    const before = tables.reads;
    const alone = connection(20_000);
    void peers.of(alone);
    await clock.advance(10_000);
    expect(tables.reads - before).toBeLessThanOrEqual(8); // 900 ms of patience, some at once, then 200 ms between two
  });

  it("at most ten times at once and 100 times a second after that, and every one is answered", async () => {
    const { clock, tables, peers } = setUp();
    let told = 0;
    let port = 10_000;
    const askOneAfterTheOther = async (): Promise<void> => {
      for (;;) {
        tables.text.tcp = row(++port);
        if ((await peers.of(connection(port))).kind === "own") told++;
      }
    };
    void askOneAfterTheOther();
    await settle();
    expect(tables.reads).toBeLessThanOrEqual(10);
    for (let second = 1; second <= 3; second++) {
      await clock.advance(1000);
      expect(tables.reads).toBeLessThanOrEqual(10 + 100 * second);
    }
    expect(tables.reads).toBeGreaterThanOrEqual(300);
    expect(told).toBeGreaterThanOrEqual(299);
  });
});

describe("who waits too long", () => {
  it("is told so after 900 ms, not that it is another user's, and may ask again", async () => {
    const { clock, tables, peers } = setUp();
    const slow = connection(50_000);
    const asked = peers.of(slow);
    await clock.advance(CLIENT_PATIENCE_MS);
    expect(await asked).toEqual({ kind: "late" });
    tables.text.tcp = row(50_000);
    expect(await peers.of(slow)).toMatchObject({ kind: "own" });
  });

  it("does not wait for ever after the clock was set back", async () => {
    const { clock, tables, peers } = setUp();
    tables.text.tcp = row(50_000) + row(50_001);
    await peers.of(connection(50_000));
    clock.jump(-3_600_000);
    expect(await peers.of(connection(50_001))).toMatchObject({ kind: "own" });
  });

  it("is looked for again while a table cannot be read, for want of descriptors say", async () => {
    const { clock, tables, peers } = setUp();
    tables.text.tcp = row(50_000);
    tables.problem = new Error("EMFILE");
    const asked = peers.of(connection(50_000));
    await clock.advance(100);
    tables.problem = undefined;
    await clock.advance(100);
    expect(await asked).toMatchObject({ kind: "own" });
  });

  it("is gone once its connection is", async () => {
    const { clock, peers } = setUp();
    const closing = connection(50_000);
    const asked = peers.of(closing);
    await clock.advance(100);
    closing.destroyed = true;
    await clock.advance(100);
    expect(await asked).toEqual({ kind: "gone" });
  });
});

it("is not looked for where the system does not tell", async () => {
  const peers = new ProcPeers({ clock: new FakeClock(), notChecked: "macOS does not tell it" });
  expect(await peers.of(connection(50_000))).toEqual({ kind: "not-checked" });
});

describe.runIf(process.platform === "linux")("on this machine", () => {
  let server: Server | undefined;
  afterEach(() => server?.close());
  const peers = new ProcPeers({ clock: new SystemClock() });

  async function listenOn(host: string): Promise<number> {
    server = createServer({ allowHalfOpen: true }).listen(0, host);
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  async function accepted(client: Socket): Promise<Socket> {
    client.on("error", () => undefined);
    const [socket] = (await once(server!, "connection")) as [Socket];
    return socket.on("error", () => undefined);
  }

  it.each([
    ["127.0.0.1", "127.0.0.1"],
    ["127.0.0.1", "::ffff:127.0.0.1"],
    ["::1", "::1"],
  ])("a program of ours is told on %s as %s", async (host, address) => {
    const port = await listenOn(host);
    const client = connect(port, address);
    expect(await peers.of(await accepted(client))).toMatchObject({ kind: "own", peer: { uid: process.getuid!() } });
    client.destroy();
  });

  it("one that has closed its half is half closed", async () => {
    const client = connect({ port: await listenOn("127.0.0.1"), allowHalfOpen: true });
    const socket = await accepted(client);
    client.end();
    await once(socket.resume(), "end");
    expect(await peers.of(socket)).toEqual({ kind: "half-closed" });
    client.destroy();
  });

  it("one that has gone is gone, and not root's, which the kernel says", async () => {
    const client = connect({ port: await listenOn("127.0.0.1"), allowHalfOpen: true });
    const socket = await accepted(client);
    client.destroy();
    await once(socket.resume(), "end");
    expect(await peers.of(socket)).toEqual({ kind: "gone" });
    socket.destroy();
  });

  it.runIf(process.getuid?.() === 0)("a program of another user is another user's", async () => {
    const port = await listenOn("127.0.0.1");
    const child = spawn("bash", ["-c", `exec 3<>/dev/tcp/127.0.0.1/${port}; read`], {
      uid: 61_236,
      gid: 61_236,
      cwd: "/",
    });
    const [socket] = (await once(server!, "connection")) as [Socket];
    socket.on("error", () => undefined);
    expect(await peers.of(socket)).toMatchObject({ kind: "other", peer: { uid: 61_236 } });
    child.kill("SIGKILL");
  });
});
