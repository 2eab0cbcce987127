import { dirname } from "node:path";
import { hasErrno, reasonOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";
import { readCheckedFile } from "./private-file.js";

/** Replaces a 0600 file as a whole; resolves once that is durable. */
export type WriteAtomic = (path: string, data: Uint8Array) => Promise<void>;

export interface StateFileOptions {
  readonly path: string;
  readonly writeAtomic: WriteAtomic;
  /** What is in it, for messages: `leases`. */
  readonly what: string;
}

/** A file of ours in the state directory: 0600, written as a whole. Callers write one at a time. */
export class StateFile {
  readonly path: string;
  readonly #what: string;
  readonly #writeAtomic: WriteAtomic;

  constructor({ path, writeAtomic, what }: StateFileOptions) {
    this.path = path;
    this.#what = what;
    this.#writeAtomic = writeAtomic;
  }

  /** What `parse` makes of it; undefined: there is no such file yet. An unreadable one rejects and is left as it is. */
  async read<Content>(parse: (text: string) => Content): Promise<Content | undefined> {
    const file = await readCheckedFile(this.path);
    if (file.outcome === "missing") return undefined;
    if (file.outcome === "unreadable") throw this.#unreadable(file.cause);
    if (file.outcome === "refused") {
      // Another user who could write here could add a lease of theirs.
      const { what, hint, cause } = file.flaw;
      throw new BrokerError("FileRefused", `${this.path} ${what}`, { hint, cause });
    }
    try {
      return parse(file.data.toString("utf8"));
    } catch (error) {
      throw error instanceof BrokerError ? error : this.#unreadable(error);
    }
  }

  async write(text: string): Promise<void> {
    try {
      await this.#writeAtomic(this.path, Buffer.from(text));
    } catch (cause) {
      throw unsaved(this.#what, this.path, cause);
    }
  }

  #unreadable(cause: unknown): BrokerError {
    const why = cause instanceof Error ? cause.message : "the reason is unknown";
    return new BrokerError("StoreUnavailable", `${this.#what} cannot be read from ${this.path}: ${why}`, {
      hint: `update credbroker, or start without the ${this.#what}: mv ${shellQuote(this.path)} ${shellQuote(`${this.path}.old`)}`,
      cause,
    });
  }
}

/** Why `what` is not in the file `path`, with the command that tells more. */
export function unsaved(what: string, path: string, cause: unknown): BrokerError {
  const known = cause instanceof BrokerError ? cause : undefined;
  const isFull = hasErrno(cause, "ENOSPC", "EDQUOT");
  const directory = shellQuote(dirname(path));
  return new BrokerError("StoreUnavailable", `the ${what} cannot be saved: ${known?.message ?? reasonOf(cause)}`, {
    hint: known?.hint ?? (isFull ? `df -h ${directory}    # free some space` : `ls -ld ${directory}`),
    cause,
  });
}
