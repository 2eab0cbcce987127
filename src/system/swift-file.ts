import { rename, unlink, writeFile } from "node:fs/promises";
import { temporaryPathFor } from "./temporary-file.js";

/**
 * Replaces `path` with `text`, 0600, at once for every reader but not for a crash: for what is written anew at each
 * start. When it fails `path` is gone: readers see nothing rather than what is true no longer.
 */
export async function writeFileSwiftly(path: string, text: string): Promise<void> {
  const temporary = temporaryPathFor(path);
  try {
    await writeFile(temporary, text, { flag: "wx", mode: 0o600 });
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    await unlink(path).catch(() => undefined);
    throw error;
  }
}
