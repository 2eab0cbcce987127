import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { SystemClock } from "./clock.js";
import { LISTENING, rowsOf, type SocketRow, spellingsOfEnd } from "./connection-table.js";
import { closePipesAfterExit } from "./run-program.js";
import { holdersOf } from "./socket-processes.js";

/**
 * Who listens on `port` so that 127.0.0.1 is taken, for messages: "pid 4711 (node, user alice, uid 1000)", or "a process of
 * user root, uid 0" where the system hides it from us; undefined: no process, or it cannot be known.
 */
export async function describePortOwner(port: number, platform = process.platform): Promise<string | undefined> {
  return platform === "linux" ? ownerFromProc(port) : ownerFromLsof(port);
}

async function ownerFromProc(port: number): Promise<string | undefined> {
  const tables = await Promise.all(["tcp", "tcp6"].map((name) => readOrEmpty(`/proc/net/${name}`)));
  const listener = tables.flatMap((table) => listenersOn(table, port))[0];
  if (!listener) return undefined;
  const user = await describeUser(String(listener.uid));
  const holder = await holdersOf([listener.inode]).next();
  if (holder.done === true) return `a process of ${user}`;
  const { pid } = holder.value;
  const program = (await readOrEmpty(`/proc/${pid}/comm`)).trim();
  return `pid ${pid} (${program}, ${user})`;
}

/** Those on which a listener keeps 127.0.0.1 from being bound. */
const ADDRESSES_THAT_TAKE_IT = ["127.0.0.1", "0.0.0.0", "::"];

function listenersOn(table: string, port: number): readonly SocketRow[] {
  const taking = new Set(ADDRESSES_THAT_TAKE_IT.flatMap((address) => spellingsOfEnd({ address, port })));
  const rows = rowsOf(table, (ends) => taking.has(ends.slice(0, ends.indexOf(" "))));
  return rows.filter(({ state }) => state === LISTENING);
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
