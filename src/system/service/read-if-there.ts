import { readFile } from "node:fs/promises";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../shell-quote.js";
import { hasErrno, reasonOf } from "../system-error.js";

/** Resolves with undefined where there is no such file; rejects with FileRefused where it cannot be read. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw new BrokerError("FileRefused", `cannot read ${path}: ${reasonOf(error)}`, {
      hint: `ls -l ${shellQuote(path)}`,
      cause: error,
    });
  }
}
