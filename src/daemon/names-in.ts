import { lstat, readdir } from "node:fs/promises";
import { hasErrno } from "../core/errno.js";

/** Of a link none: where it leads, nothing is ours to remove. */
export async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return (await lstat(directory)).isDirectory() ? await readdir(directory) : [];
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return [];
    throw error;
  }
}
