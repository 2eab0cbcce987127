import { link, readFile, realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { hasErrno, reasonOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";
import { type FileSystem, NodeFileSystem, replaceFile } from "./atomic-file.js";
import { ensureOwnFile } from "./private-directory.js";
import { READ_AT_ONCE } from "./read-small-file.js";
import { temporaryPathFor } from "./temporary-file.js";

export interface FileReplacement {
  readonly path: string;
  /** The text as it was read before the edit. */
  readonly expected: string;
  readonly next: string;
}

/**
 * Edits a file of the user's: a symlink stays and its target is replaced, with the mode it has; `Conflict` when the
 * content is no longer `expected`. Between that look and the rename an editor can still save: the window is a few
 * milliseconds, and no file system call closes it.
 */
export async function replaceFileIfUnchanged(
  { path, expected, next }: FileReplacement,
  fs: FileSystem = new NodeFileSystem(),
): Promise<void> {
  await ensureOwnFile(path);
  const target = await realpath(path);
  const { mode } = await stat(target);
  const current = await readFile(target, { flag: READ_AT_ONCE });
  // As bytes: a file that is no valid UTF-8 must not pass for the text that decoding made of it.
  if (!current.equals(Buffer.from(expected))) {
    throw new BrokerError("Conflict", `${path} is no longer what was read`, {
      hint: "run the command again",
    });
  }
  await replaceFile(fs, { path: target, data: Buffer.from(next), mode: mode & 0o777 });
}

/**
 * Makes a file of the user's, 0600, that is not there yet: whole or not at all, also to who reads it meanwhile. `Conflict` when
 * another program made one first, be it a link that leads nowhere.
 */
export async function createFileIfAbsent(
  { path, text }: { readonly path: string; readonly text: string },
  fs: FileSystem = new NodeFileSystem(),
): Promise<void> {
  const temporary = temporaryPathFor(path);
  try {
    await fs.createDurable(temporary, Buffer.from(text), 0o600);
    await link(temporary, path).finally(() => fs.remove(temporary));
    await fs.syncDirectory(dirname(path));
  } catch (cause) {
    const hint = `ls -l ${shellQuote(path)}`;
    if (hasErrno(cause, "EEXIST")) throw new BrokerError("Conflict", `${path} is there already`, { hint, cause });
    throw new BrokerError("InternalError", `cannot make ${path}: ${reasonOf(cause)}`, { hint, cause });
  }
}
