import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { hasErrno } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";

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
    const file = await this.#open();
    if (!file) return undefined;
    try {
      await this.#refuseUnsafe(file);
      return parse(await file.readFile("utf8"));
    } catch (error) {
      throw error instanceof BrokerError ? error : this.#unreadable(error);
    } finally {
      await file.close();
    }
  }

  async write(text: string): Promise<void> {
    try {
      await this.#writeAtomic(this.path, Buffer.from(text));
    } catch (cause) {
      if (cause instanceof BrokerError) throw cause;
      const hint = "free some space or make the directory writable, then do it again";
      throw new BrokerError("StoreUnavailable", `${this.#what} cannot be saved to ${this.path}`, { hint, cause });
    }
  }

  async #open(): Promise<FileHandle | undefined> {
    try {
      // NONBLOCK: a FIFO planted there must not hang the start; NOFOLLOW: nor a link lead elsewhere.
      return await open(this.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch (error) {
      if (hasErrno(error, "ENOENT")) return undefined;
      if (hasErrno(error, "ELOOP")) throw this.#refused("is a symbolic link", `rm ${shellQuote(this.path)}`);
      throw this.#unreadable(error);
    }
  }

  /** interface §1: state files are 0600 and ours; whoever could write here could grant himself a lease. */
  async #refuseUnsafe(file: FileHandle): Promise<void> {
    const stat = await file.stat();
    if (!stat.isFile())
      throw this.#refused("is not a regular file", `mv ${shellQuote(this.path)} ${shellQuote(`${this.path}.old`)}`);
    if (stat.uid !== process.getuid?.())
      throw this.#refused("belongs to another user", `ls -l ${shellQuote(this.path)}`);
    if ((stat.mode & 0o077) !== 0) throw this.#refused("is open to other users", `chmod 600 ${shellQuote(this.path)}`);
  }

  #refused(what: string, hint: string): BrokerError {
    return new BrokerError("FileRefused", `${this.path} ${what}`, { hint });
  }

  #unreadable(cause: unknown): BrokerError {
    const why = cause instanceof Error ? cause.message : "the reason is unknown";
    return new BrokerError("StoreUnavailable", `${this.#what} cannot be read from ${this.path}: ${why}`, {
      hint: `update credbroker, or start without the ${this.#what}: mv ${shellQuote(this.path)} ${shellQuote(`${this.path}.old`)}`,
      cause,
    });
  }
}
