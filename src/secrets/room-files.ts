import { dirname } from "node:path";
import { errnoOf, hasErrno } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";
import type { FileSystem } from "../files/atomic-file.js";

/** How this room touches the disk; `writeAtomic` and the file system come from system/, tests pass failing ones. */
export interface RoomFiles {
  /** Resolves once the new content is durable; the old one stands until then. Mode 0600. */
  readonly writeAtomic: (path: string, data: Uint8Array) => Promise<void>;
  readonly fileSystem: Pick<FileSystem, "rename" | "remove" | "syncDirectory">;
}

/** Rejects with `StoreUnavailable`, whatever went wrong. */
export async function writeOrExplain(files: RoomFiles, path: string, data: Uint8Array): Promise<void> {
  try {
    await files.writeAtomic(path, data);
  } catch (error) {
    if (error instanceof BrokerError) {
      throw new BrokerError("StoreUnavailable", error.message, { hint: error.hint, cause: error });
    }
    throw new BrokerError("StoreUnavailable", `cannot write ${path} (${errnoOf(error)})`, {
      hint: `ls -ld ${shellQuote(dirname(path))}`,
      cause: error,
    });
  }
}

/** Resolves once the file is gone for good, also when it never was. */
export async function removeDurably({ fileSystem }: RoomFiles, path: string): Promise<void> {
  try {
    await fileSystem.remove(path);
    await fileSystem.syncDirectory(dirname(path));
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return;
    throw new BrokerError("StoreUnavailable", `cannot remove ${path} (${errnoOf(error)})`, {
      hint: `ls -ld ${shellQuote(dirname(path))}`,
      cause: error,
    });
  }
}
