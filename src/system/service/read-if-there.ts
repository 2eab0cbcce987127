import { hasErrno, reasonOf } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import { readRegularFile } from "../../files/read-small-file.js";

/** Resolves with undefined where there is no such file; rejects with FileRefused where it cannot be read. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readRegularFile(path);
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    if (error instanceof BrokerError) throw error;
    throw new BrokerError("FileRefused", `cannot read ${path}: ${reasonOf(error)}`, {
      hint: `ls -l ${shellQuote(path)}`,
      cause: error,
    });
  }
}
