import { randomBytes } from "node:crypto";
import { readdir, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { hasErrno } from "../core/errno.js";

/** `.NAME.PID-RANDOM.credbroker-tmp`; group 1 is the pid of the process that writes it. */
export const TEMPORARY_FILE_PATTERN = /^\..+\.(\d+)-[0-9a-f]{12}\.credbroker-tmp$/;

/** A fresh name beside `path`: a rename is atomic within one directory only. */
export function temporaryPathFor(path: string): string {
  const random = randomBytes(6).toString("hex");
  return join(dirname(path), `.${basename(path)}.${process.pid}-${random}.credbroker-tmp`);
}

/**
 * Removes what killed writers left in `directory` and resolves with the removed names. Files of processes that still
 * live are left alone; so call it before this process writes there, whose pid a dead one may have had.
 */
export async function sweepTemporaryFiles(directory: string): Promise<readonly string[]> {
  const stale = (await namesIn(directory)).filter((name) => isStale(name));
  for (const name of stale) {
    await unlink(join(directory, name)).catch((error: unknown) => {
      if (!hasErrno(error, "ENOENT")) throw error;
    });
  }
  return stale;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return [];
    throw error;
  }
}

function isStale(name: string): boolean {
  const pid = TEMPORARY_FILE_PATTERN.exec(name)?.[1];
  return pid !== undefined && (Number(pid) === process.pid || !isAlive(Number(pid)));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return hasErrno(error, "EPERM");
  }
}
