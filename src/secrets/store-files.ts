import { dirname } from "node:path";
import { errnoOf, hasErrno } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";
import type { FileSystem } from "../files/atomic-file.js";
import { type FileFlaw, readCheckedFile } from "../files/private-file.js";
import type { Obstacle } from "./data-key.js";

/** Key and passphrase files are some kilobytes at most: a larger file is another one. */
const MAX_BYTES = 4_096;

export type PrivateFile =
  | { readonly outcome: "read"; readonly data: Buffer }
  | { readonly outcome: "missing" }
  | ({ readonly outcome: "refused" } & Obstacle);

export interface PrivateFileOptions {
  /** Our own files are never links; a file that the user named, or systemd made, may be one, and may belong to root. */
  readonly whose: "ours" | "named";
}

/** Reads a file that other users can neither read nor replace; what cannot be read is refused too. */
export async function readPrivateFile(path: string, { whose }: PrivateFileOptions): Promise<PrivateFile> {
  const file = await readCheckedFile(path, { whose, maxBytes: MAX_BYTES });
  if (file.outcome === "refused") return { outcome: "refused", ...obstacleOf(path, file.flaw) };
  if (file.outcome !== "unreadable") return file;
  return { outcome: "refused", ...unreadable(path, file.cause) };
}

/**
 * A state file of ours, of any length; undefined: there is none. Rejects with FileRefused where others could read or
 * replace it, else with StoreUnavailable. Unreadable is never empty.
 */
export async function readIfThere(path: string): Promise<Buffer | undefined> {
  const file = await readCheckedFile(path);
  if (file.outcome === "read") return file.data;
  if (file.outcome === "missing") return undefined;
  const isRefused = file.outcome === "refused";
  const { message, hint } = isRefused ? obstacleOf(path, file.flaw) : unreadable(path, file.cause);
  const cause = isRefused ? file.flaw.cause : file.cause;
  throw new BrokerError(isRefused ? "FileRefused" : "StoreUnavailable", message, { hint, cause });
}

/** How the secret store writes to the disk; tests pass failing ones. */
export interface StoreFiles {
  /** Resolves once the new content is durable; the old one stands until then. Mode 0600. */
  readonly writeAtomic: (path: string, data: Uint8Array) => Promise<void>;
  readonly fileSystem: Pick<FileSystem, "rename" | "remove" | "syncDirectory">;
}

/** Rejects with `StoreUnavailable`, whatever went wrong. */
export async function writeOrExplain(files: StoreFiles, path: string, data: Uint8Array): Promise<void> {
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

/** Resolves once the file is durably removed, also where there was none. */
export async function removeDurably({ fileSystem }: StoreFiles, path: string): Promise<void> {
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

/** A secret's file is looked at before it is moved or removed: only a mode is safe to change unseen. */
function obstacleOf(path: string, { kind, what, hint }: FileFlaw): Obstacle {
  return { message: `${path} ${what}`, hint: kind === "mode" ? hint : `ls -l ${shellQuote(path)}` };
}

function unreadable(path: string, cause: unknown): Obstacle {
  return { message: `${path} cannot be read (${errnoOf(cause)})`, hint: `ls -l ${shellQuote(path)}` };
}
