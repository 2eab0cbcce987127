import { constants } from "node:fs";
import { type FileHandle, open, rename, unlink, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { hasErrno, reasonOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";
import { temporaryPathFor } from "./temporary-file.js";

/** The few file operations that durability rests on; a recording one proves their order in tests. */
export interface FileSystem {
  /**
   * Creates `path` (it must not exist, not even as a dangling link) with exactly `mode`, writes all of `data`, fsyncs,
   * closes. Leaves nothing behind when it fails.
   */
  createDurable(path: string, data: Uint8Array, mode: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** fsync of the directory: without it a rename may not survive a crash. */
  syncDirectory(path: string): Promise<void>;
  remove(path: string): Promise<void>;
}

const PRIVATE_MODE = 0o600;
const CREATE_NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Replaces `path` with `data`, mode 0600. Once resolved, a crash at any moment leaves the new content; until then the
 * old or the new, never a mixture. Rejects with `InternalError` naming path and reason, the old file intact.
 */
export function writeFileAtomic(fs: FileSystem, path: string, data: Uint8Array): Promise<void> {
  return replaceFile(fs, { path, data, mode: PRIVATE_MODE });
}

/** `writeFileAtomic` with a mode of its own, for files that others may read. */
export async function replaceFile(
  fs: FileSystem,
  { path, data, mode }: { readonly path: string; readonly data: Uint8Array; readonly mode: number },
): Promise<void> {
  const temporary = temporaryPathFor(path);
  try {
    await fs.createDurable(temporary, data, mode);
    await renameOrRemove(fs, temporary, path);
    await fs.syncDirectory(dirname(path));
  } catch (error) {
    throw writeFailure(path, error);
  }
}

/**
 * Replaces `path` with `text`, 0600, at once for every reader but not for a crash: for what is written anew at each
 * start. When it fails `path` is gone: readers see nothing rather than what is true no longer.
 */
export async function replaceFileNonDurable(path: string, text: string): Promise<void> {
  try {
    await replaceFileUnsynced(path, Buffer.from(text));
  } catch (error) {
    await unlink(path).catch(() => undefined);
    throw error;
  }
}

/** Replaces `path`, 0600, at once for every reader and for a crash of this process, but not of the machine. When it fails, what was there stays. */
export async function replaceFileUnsynced(path: string, data: Uint8Array): Promise<void> {
  const temporary = temporaryPathFor(path);
  try {
    await writeFile(temporary, data, { flag: "wx", mode: 0o600 });
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}

async function renameOrRemove(fs: FileSystem, temporary: string, path: string): Promise<void> {
  try {
    await fs.rename(temporary, path);
  } catch (error) {
    // What counts is why the rename failed; a file that stays is swept at the next start.
    await fs.remove(temporary).catch(() => undefined);
    throw error;
  }
}

function writeFailure(path: string, cause: unknown): BrokerError {
  const directory = shellQuote(dirname(path));
  const hint = hasErrno(cause, "ENOSPC", "EDQUOT") ? `df -h ${directory}    # free some space` : `ls -ld ${directory}`;
  return new BrokerError("InternalError", `cannot write ${path}: ${reasonOf(cause)}`, { hint, cause });
}

export class NodeFileSystem implements FileSystem {
  async createDurable(path: string, data: Uint8Array, mode: number): Promise<void> {
    const handle = await open(path, CREATE_NEW, PRIVATE_MODE);
    try {
      await handle.chmod(mode); // the umask neither loosens nor tightens it
      await writeFully(handle, data);
      await handle.sync();
      await handle.close();
    } catch (error) {
      await handle.close().catch(() => undefined);
      await unlink(path).catch(() => undefined);
      throw error;
    }
  }

  rename(from: string, to: string): Promise<void> {
    return rename(from, to);
  }

  async syncDirectory(path: string): Promise<void> {
    const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  }

  remove(path: string): Promise<void> {
    return unlink(path);
  }
}

/** A write may take only a part, without any error, when the disk is nearly full: go on until all is taken. */
export async function writeFully(handle: Pick<FileHandle, "write">, data: Uint8Array): Promise<void> {
  for (let offset = 0; offset < data.length; ) {
    const { bytesWritten } = await handle.write(data, offset, data.length - offset);
    if (bytesWritten === 0) throw new Error(`only ${offset} of ${data.length} bytes were taken`);
    offset += bytesWritten;
  }
}
