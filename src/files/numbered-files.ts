import { readdir, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { hasErrno } from "../core/errno.js";

/** `PATH.N`, …, `PATH.1`, `PATH`: those that there are, the oldest first. Holes, which a crash while shifting leaves, do no harm. */
export async function numberedFiles(path: string): Promise<readonly string[]> {
  const name = basename(path);
  const entries = await readdir(dirname(path)).catch((error: unknown) => {
    if (hasErrno(error, "ENOENT")) return [];
    throw error;
  });
  const numbers = entries.flatMap((entry) => {
    if (entry === name) return [0];
    const [, number] = entry.startsWith(`${name}.`) ? (/^\.([1-9]\d{0,3})$/.exec(entry.slice(name.length)) ?? []) : [];
    return number === undefined ? [] : [Number(number)];
  });
  return numbers.sort((a, b) => b - a).map((number) => join(dirname(path), numberedName(name, number)));
}

/** Makes `PATH` free: each file moves on by one number; of the rotated ones the newest `keep` - 1 stay. */
export async function shiftNumberedFiles(path: string, keep: number): Promise<void> {
  for (const file of await numberedFiles(path)) {
    const number = file === path ? 0 : Number(file.slice(path.length + 1));
    if (number + 1 >= keep) await unlink(file);
    else await rename(file, numberedName(path, number + 1));
  }
}

function numberedName(name: string, number: number): string {
  return number === 0 ? name : `${name}.${number}`;
}
