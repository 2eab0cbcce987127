import { constants, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { errnoOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";
import type { Obstacle } from "./data-key-holder.js";

/** A file in these is some kilobytes at most: whatever is larger is another file. */
const MAX_BYTES = 4_096;
/** A FIFO must not hold us; a terminal must not become ours. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

export type PrivateFile =
  | { readonly outcome: "read"; readonly data: Buffer }
  | { readonly outcome: "missing" }
  | ({ readonly outcome: "refused" } & Obstacle);

export interface PrivateFileOptions {
  /** Our own files are never links; a file that the user named, or systemd made, may be one, and may belong to root. */
  readonly whose: "ours" | "named";
}

/** Reads a file that nobody else may read or replace; looked at through the open handle, so nothing changes in between. */
export async function readPrivateFile(path: string, { whose }: PrivateFileOptions): Promise<PrivateFile> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, whose === "ours" ? READ | constants.O_NOFOLLOW : READ);
    const stats = await handle.stat();
    const obstacle = obstacleIn(path, stats, whose);
    if (obstacle) return { outcome: "refused", ...obstacle };
    return { outcome: "read", data: await handle.readFile() };
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENOENT") return { outcome: "missing" };
    const reason = code === "ELOOP" ? "it is a symbolic link" : code;
    return { outcome: "refused", message: `${path} cannot be read (${reason})`, hint: `ls -l ${shellQuote(path)}` };
  } finally {
    await handle?.close();
  }
}

/**
 * A state file of ours, of any length; undefined: there is none. Rejects with FileRefused where others could read or
 * replace it (interface §1), else with StoreUnavailable. Unreadable is never empty.
 */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, READ | constants.O_NOFOLLOW);
    const stats = await handle.stat();
    const obstacle = stats.isDirectory() ? undefined : strangerIn(path, stats, "ours");
    if (obstacle) throw new BrokerError("FileRefused", obstacle.message, { hint: obstacle.hint });
    return await handle.readFile();
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    const code = errnoOf(error);
    if (code === "ENOENT") return undefined;
    const hint = `ls -l ${shellQuote(path)}`;
    if (code === "ELOOP") throw new BrokerError("FileRefused", `${path} is a symbolic link`, { hint, cause: error });
    throw new BrokerError("StoreUnavailable", `${path} cannot be read (${code})`, { hint, cause: error });
  } finally {
    await handle?.close();
  }
}

function obstacleIn(path: string, stats: Stats, whose: PrivateFileOptions["whose"]): Obstacle | undefined {
  const stranger = strangerIn(path, stats, whose);
  if (stranger || stats.size <= MAX_BYTES) return stranger;
  return { message: `${path} is too long (${stats.size} bytes)`, hint: `ls -l ${shellQuote(path)}` };
}

function strangerIn(path: string, stats: Stats, whose: PrivateFileOptions["whose"]): Obstacle | undefined {
  if (!stats.isFile()) return { message: `${path} is not a regular file`, hint: `ls -l ${shellQuote(path)}` };
  const owners = [process.getuid?.() ?? stats.uid, ...(whose === "named" ? [0] : [])];
  if (!owners.includes(stats.uid)) {
    return { message: `${path} belongs to another user (uid ${stats.uid})`, hint: `ls -l ${shellQuote(path)}` };
  }
  if ((stats.mode & 0o077) !== 0) {
    const mode = (stats.mode & 0o777).toString(8);
    return { message: `${path} is open to others (mode ${mode})`, hint: `chmod 600 ${shellQuote(path)}` };
  }
  return undefined;
}
