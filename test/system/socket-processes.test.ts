import { spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { SystemClock } from "../../src/system/clock.js";
import { ProcPeers } from "../../src/system/peer-identity.js";
import { SystemProcessTable } from "../../src/system/process-identity.js";
import { holdersOf, ProcSocketProcesses } from "../../src/system/socket-processes.js";

const clock = new SystemClock();

describe.runIf(process.platform === "linux")("the process behind a socket", () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function acceptFrom(command: readonly string[]): Promise<{ accepted: Socket; pid: number; end: () => void }> {
    const server = createServer().listen(0, "127.0.0.1");
    servers.push(server);
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const script = `exec 3<>/dev/tcp/127.0.0.1/${port}; ${command.join(" ")}`;
    const child = spawn("bash", ["-c", script], { cwd: "/usr", stdio: ["pipe", "ignore", "inherit"] });
    const [accepted] = (await once(server, "connection")) as [Socket];
    accepted.on("error", () => undefined);
    return { accepted, pid: child.pid!, end: () => child.kill("SIGKILL") };
  }

  async function inodeOf(socket: Socket): Promise<number> {
    const verdict = await new ProcPeers({ clock }).of(socket);
    if (verdict.kind !== "own") throw new Error(verdict.kind);
    return verdict.peer.inode;
  }

  async function pidsOf(holders: ReturnType<typeof holdersOf>): Promise<readonly number[]> {
    const pids: number[] = [];
    for await (const { pid } of holders) pids.push(pid);
    return pids;
  }

  it("is told by pid, program and directory, and known after it has ended", async () => {
    const { accepted, pid, end } = await acceptFrom(["read"]);
    const lookup = new ProcSocketProcesses({ clock, processes: new SystemProcessTable() });
    const inode = await inodeOf(accepted);

    const found = { pid, program: "bash", cwd: "/usr" };
    expect(await lookup.processOf({ inode })).toEqual(found);
    end();
    accepted.destroy();
    expect(await lookup.processOf({ inode })).toEqual(found);
  });

  it("says both names where a script has one of its own", async () => {
    const { accepted, end } = await acceptFrom(["printf terraform > /proc/self/comm;", "read"]);
    const lookup = new ProcSocketProcesses({ clock, processes: new SystemProcessTable() });
    expect(await lookup.processOf({ inode: await inodeOf(accepted) })).toMatchObject({ program: "terraform (bash)" });
    end();
  });

  it("is looked for among the youngest first, and before them among who asked lately", async () => {
    const connections = [await acceptFrom(["read"]), await acceptFrom(["read"])];
    const [older, younger] = connections.map(({ pid }) => pid) as [number, number];
    const inodes = await Promise.all(connections.map(({ accepted }) => inodeOf(accepted)));

    expect(await pidsOf(holdersOf(inodes))).toEqual([younger, older]);
    expect(await pidsOf(holdersOf(inodes, [older]))).toEqual([older, younger]);
    for (const { end } of connections) end();
  });

  it("is not known of a socket that no process has", async () => {
    const lookup = new ProcSocketProcesses({ clock, processes: new SystemProcessTable() });
    expect(await Promise.all([lookup.processOf({ inode: 1 }), lookup.processOf({ inode: 2 })])).toEqual([
      undefined,
      undefined,
    ]);
  });
});
