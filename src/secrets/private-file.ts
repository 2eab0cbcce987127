import { constants, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Obstacle } from "./data-key-holder.js";
import { quoted, systemCode } from "./room-files.js";

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
    const code = systemCode(error);
    if (code === "ENOENT") return { outcome: "missing" };
    const reason = code === "ELOOP" ? "it is a symbolic link" : code;
    return { outcome: "refused", message: `${path} cannot be read (${reason})`, hint: `ls -l ${quoted(path)}` };
  } finally {
    await handle?.close();
  }
}

function obstacleIn(path: string, stats: Stats, whose: PrivateFileOptions["whose"]): Obstacle | undefined {
  if (!stats.isFile()) return { message: `${path} is not a regular file`, hint: `ls -l ${quoted(path)}` };
  const owners = [process.getuid?.() ?? stats.uid, ...(whose === "named" ? [0] : [])];
  if (!owners.includes(stats.uid)) {
    return { message: `${path} belongs to another user (uid ${stats.uid})`, hint: `ls -l ${quoted(path)}` };
  }
  if ((stats.mode & 0o077) !== 0) {
    const mode = (stats.mode & 0o777).toString(8);
    return { message: `${path} is open to others (mode ${mode})`, hint: `chmod 600 ${quoted(path)}` };
  }
  return stats.size > MAX_BYTES
    ? { message: `${path} is too long (${stats.size} bytes)`, hint: `ls -l ${quoted(path)}` }
    : undefined;
}
