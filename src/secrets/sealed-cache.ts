import { errnoOf } from "../core/errno.js";
import type { BrokerError } from "../core/errors.js";
import { Mutex } from "../core/serial.js";
import type { Cancel } from "../system/clock.js";
import type { DataKey } from "./data-key.js";
import { seal, unseal } from "./sealed-file.js";
import type { SealedStoreOptions } from "./secret-store.js";
import { readIfThere, removeDurably } from "./store-files.js";
import { closedRefusal, NOT_PROBED, newerVersion } from "./store-state.js";

/** Credentials come in bursts (a refresh of many roles): one write for all of them. */
const COALESCE_MS = 1_000;
/** After a failed write (disk full) the text is still in memory. */
const RETRY_MS = 15_000;

/** The disposable sealed file: one blob, written behind; unreadable means empty. */
export interface SealedCache {
  read(): Promise<string | undefined>;
  /** `text` is asked when the file is written: what changes again and again until then is rendered once. */
  write(text: () => string): Promise<void>;
}

interface Contents {
  readonly key: DataKey;
  text: (() => string) | undefined;
  sequence: number;
  /** Differs from the file. */
  dirty: boolean;
  /** A newer version wrote the file, and will find it unchanged: what is held here stays in memory only. */
  readonly isForeign: boolean;
}

/**
 * The disposable sealed file: written behind, once a second at most; whatever cannot be read counts as empty. A newer
 * version's is not written over: its MFA sessions would be lost to a downgrade.
 */
export class SealedFileCache implements SealedCache {
  readonly #options: SealedStoreOptions;
  readonly #turns = new Mutex();
  #contents: Contents | undefined;
  #cancelPlanned: Cancel | undefined;
  #writeFailure: string | undefined;
  #refusal = closedRefusal(NOT_PROBED);

  constructor(options: SealedStoreOptions) {
    this.#options = options;
  }

  /** Why the file is older than the memory, for `status`; undefined: it is not. */
  get writeFailure(): string | undefined {
    return this.#writeFailure;
  }

  open(key: DataKey): Promise<void> {
    return this.#turns.run(async () => {
      this.#contents = { key, dirty: false, ...(await this.#readFile(key)) };
    });
  }

  /** From this moment everything is refused with `refusal`; what was not written yet is given up. */
  close(refusal: BrokerError): Promise<void> {
    this.#refusal = refusal;
    this.#forget();
    return this.#turns.run(() => {
      this.#forget(); // an `open` that was under way
      return Promise.resolve();
    });
  }

  /** Removes the file: what `lock` forgot must not come back by `unlock`. After `close`. */
  discard(): Promise<void> {
    return this.#turns.run(() => removeDurably(this.#options.files, this.#options.path));
  }

  async read(): Promise<string | undefined> {
    return Promise.resolve(this.#held().text?.());
  }

  /** Resolves at once; the file follows within a second. */
  async write(text: () => string): Promise<void> {
    const contents = this.#held();
    contents.text = text;
    contents.dirty = true;
    this.#plan(COALESCE_MS);
    return Promise.resolve();
  }

  /** Brings the file up to date now, for shutdown. A failure is logged: the cache is disposable. */
  async flush(): Promise<void> {
    this.#cancelPlanned?.();
    this.#cancelPlanned = undefined;
    await this.#turns.run(() => this.#writeFile());
  }

  #held(): Contents {
    if (!this.#contents) throw this.#refusal;
    return this.#contents;
  }

  #forget(): void {
    this.#cancelPlanned?.();
    this.#cancelPlanned = undefined;
    this.#writeFailure = undefined;
    this.#contents = undefined;
  }

  #plan(delayMs: number): void {
    this.#cancelPlanned ??= this.#options.clock.after(delayMs, () => {
      this.#cancelPlanned = undefined;
      void this.#turns.run(() => this.#writeFile());
    });
  }

  async #writeFile(): Promise<void> {
    const contents = this.#contents;
    if (!contents?.dirty || contents.text === undefined || contents.isForeign) return;
    const { path, kind, files, logger } = this.#options;
    contents.dirty = false;
    contents.sequence++;
    const { text, sequence, key } = contents;
    try {
      await files.writeAtomic(path, seal(Buffer.from(text()), { purpose: "cache", kind, sequence }, key));
      this.#writeFailure = undefined;
    } catch (error) {
      this.#writeFailure = `${path} cannot be written (${errnoOf(error)})`;
      logger.warn({ file: path, code: errnoOf(error) }, "credential cache not written");
      contents.dirty = true;
      if (this.#contents === contents) this.#plan(RETRY_MS);
    }
  }

  async #readFile(key: DataKey): Promise<Pick<Contents, "text" | "sequence" | "isForeign">> {
    const { path, logger } = this.#options;
    try {
      const data = await readIfThere(path);
      const opened = data ? unseal(data, "cache", key) : undefined;
      if (opened?.outcome === "ok") {
        const text = opened.plaintext.toString();
        return { text: () => text, sequence: opened.sequence, isForeign: false };
      }
      if (opened?.outcome === "newer") return this.#foreign(opened.version);
      if (opened) logger.info({ file: path, outcome: opened.outcome }, "credential cache counts as empty");
    } catch (error) {
      logger.warn({ file: path, code: errnoOf(error) }, "credential cache counts as empty");
    }
    return { text: undefined, sequence: 0, isForeign: false };
  }

  #foreign(version: number): Pick<Contents, "text" | "sequence" | "isForeign"> {
    const { path, logger } = this.#options;
    this.#writeFailure = `${newerVersion(path, version).message}: what is fetched now is not kept over a restart`;
    logger.warn({ file: path, version }, "credential cache of a newer version left alone");
    return { text: undefined, sequence: 0, isForeign: true };
  }
}
