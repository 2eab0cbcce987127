import { open, stat } from "node:fs/promises";
import { hasErrno } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";
import { READ_AT_ONCE } from "./read-small-file.js";

/** How far a log file has been read. */
export interface LineTail {
  readonly path: string;
  readonly offset: number;
  /** Another one: the file was rotated, and a new one begins. */
  readonly inode: number | undefined;
  /** The beginning of a line whose end is not written yet. */
  readonly rest: string;
}

export interface TailedLines {
  readonly lines: readonly string[];
  readonly tail: LineTail;
}

export function startOfFile(path: string): LineTail {
  return { path, offset: 0, inode: undefined, rest: "" };
}

/** What was written since `tail`, its end moved on; undefined: there is no such file now. Throws `FileRefused`. */
export async function readOn({ path, offset, inode, rest }: LineTail): Promise<TailedLines | undefined> {
  const found = await statIfThere(path);
  if (!found) return undefined;
  const isSame = found.ino === inode && found.size >= offset;
  const from = isSame ? offset : 0;
  const text = (isSame ? rest : "") + (await readRange(path, from, found.size));
  const lines = text.split("\n");
  const begun = lines.pop() ?? "";
  return { lines, tail: { path, offset: found.size, inode: found.ino, rest: begun } };
}

/** As `readOn`, and before it what was written to the former file after it was last read, where it was rotated to `PATH.1`. */
export async function readOnThroughRotation(tail: LineTail): Promise<TailedLines | undefined> {
  const more = await readOn(tail);
  return more && { lines: [...(await restOfRotated(tail, more.tail)), ...more.lines], tail: more.tail };
}

async function restOfRotated(former: LineTail, { inode }: LineTail): Promise<readonly string[]> {
  if (former.inode === undefined || former.inode === inode) return [];
  const rest = await readOn({ ...former, path: `${former.path}.1` });
  return rest?.tail.inode === former.inode ? rest.lines : [];
}

async function statIfThere(path: string): Promise<{ readonly ino: number; readonly size: number } | undefined> {
  try {
    const found = await stat(path);
    if (found.isFile()) return found;
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw new BrokerError("FileRefused", `cannot read the log ${path}`, {
      hint: `ls -l ${shellQuote(path)}`,
      cause: error,
    });
  }
  throw new BrokerError("FileRefused", `the log ${path} is not a regular file`, { hint: `rm ${shellQuote(path)}` });
}

async function readRange(path: string, from: number, to: number): Promise<string> {
  if (from >= to) return "";
  const file = await open(path, READ_AT_ONCE);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(to - from), 0, to - from, from);
    return buffer.toString("utf8", 0, bytesRead);
  } finally {
    await file.close();
  }
}
