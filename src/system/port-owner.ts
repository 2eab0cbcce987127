import { execFile } from "node:child_process";
import { readdir, readFile, readlink } from "node:fs/promises";
import { promisify } from "node:util";
import { SystemClock } from "./clock.js";
import { closePipesAfterExit } from "./run-program.js";

/**
 * Who listens on `port` so that 127.0.0.1 is taken, for people: "pid 4711 (node, user alice, uid 1000)", or "a process of
 * user root, uid 0" where the system hides it from us; undefined: no process, or it cannot be known.
 */
export async function describePortOwner(port: number, platform = process.platform): Promise<string | undefined> {
  return platform === "linux" ? ownerFromProc(port) : ownerFromLsof(port);
}

interface Listener {
  readonly uid: string;
  readonly inode: string;
}

async function ownerFromProc(port: number): Promise<string | undefined> {
  const tables = await Promise.all(["tcp", "tcp6"].map((name) => readOrEmpty(`/proc/net/${name}`)));
  const listener = findListener(tables.join("\n"), port);
  if (!listener) return undefined;
  const pid = await findProcessWith(`socket:[${listener.inode}]`);
  const user = await describeUser(listener.uid);
  if (pid === undefined) return `a process of ${user}`;
  const program = (await readOrEmpty(`/proc/${pid}/comm`)).trim();
  return `pid ${pid} (${program}, ${user})`;
}

/** 127.0.0.1, any v4 address, any address, v4-mapped 127.0.0.1: as the kernel prints them on little-endian machines. */
const ADDRESSES_THAT_TAKE_IT = [
  "0100007F",
  "00000000",
  "0".repeat(32),
  "0000000000000000FFFF00000100007F",
  "0000000000000000FFFF000000000000",
];
const LISTEN_STATE = "0A";

/** proc(5) /proc/net/tcp: sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode … */
function findListener(table: string, port: number): Listener | undefined {
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  for (const line of table.split("\n")) {
    const [, local, , state, , , , uid, , inode] = line.trim().split(/\s+/);
    const [address = "", localPort] = (local ?? "").split(":");
    const takesIt = localPort === hexPort && ADDRESSES_THAT_TAKE_IT.includes(address);
    if (takesIt && state === LISTEN_STATE && uid !== undefined && inode !== undefined) return { uid, inode };
  }
  return undefined;
}

/** Only processes whose descriptors we may read: our own, or all for root. */
async function findProcessWith(socket: string): Promise<string | undefined> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) if (await hasOpen(pid, socket)) return pid;
  return undefined;
}

async function hasOpen(pid: string, socket: string): Promise<boolean> {
  const directory = `/proc/${pid}/fd`;
  const descriptors = await readdir(directory).catch(() => []);
  for (const descriptor of descriptors) {
    if ((await readlink(`${directory}/${descriptor}`).catch(() => "")) === socket) return true;
  }
  return false;
}

/** By name where /etc/passwd has it; users of a directory service stay a number. */
async function describeUser(uid: string): Promise<string> {
  const entries = (await readOrEmpty("/etc/passwd")).split("\n").map((line) => line.split(":"));
  const name = entries.find(([, , id]) => id === uid)?.[0];
  return name === undefined ? `uid ${uid}` : `user ${name}, uid ${uid}`;
}

async function readOrEmpty(path: string): Promise<string> {
  return readFile(path, "utf8").catch(() => "");
}

const run = promisify(execFile);

async function ownerFromLsof(port: number): Promise<string | undefined> {
  const fields = ["-nP", `-iTCP:${port}`, "-sTCP:LISTEN", "-Fpcu"];
  const listing = run("lsof", fields, { timeout: 5_000 });
  closePipesAfterExit(listing.child, new SystemClock()); // it has a child of its own, which a dead file server holds up
  const listed = await listing.catch(() => undefined);
  return listed && describeLsof(listed.stdout);
}

/** lsof(8) "OUTPUT FOR OTHER PROGRAMS": one field a line, named by its first letter. */
export function describeLsof(output: string): string | undefined {
  const field = (letter: string): string | undefined =>
    output
      .split("\n")
      .find((line) => line.startsWith(letter))
      ?.slice(1);
  const pid = field("p");
  return pid === undefined ? undefined : `pid ${pid} (${field("c") ?? "unknown"}, uid ${field("u") ?? "unknown"})`;
}
