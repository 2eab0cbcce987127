import { dirname } from "node:path";
import { BrokerError } from "../core/errors.js";
import { Secret } from "../core/secret.js";
import type { SecretStoreKind } from "../core/secret-store-kind.js";
import { Mutex } from "../core/serial.js";
import { shellQuote } from "../core/shell-quote.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import { type DataKey, dataKeyId, type Obstacle } from "./data-key.js";
import { seal, unseal } from "./sealed-file.js";
import { readIfThere, type StoreFiles, writeOrExplain } from "./store-files.js";
import { closedRefusal, NOT_PROBED, newerVersion } from "./store-state.js";

/**
 * Named secrets in one sealed file. Keys are `kind:name`, e.g. `keys:ops-keys`, `lease:default`.
 * Every method rejects with `StoreLocked` while the data key is not held.
 */
export interface SecretStore {
  get(key: string): Promise<Secret | undefined>;
  /** Resolves once the new file is durable (fsync, rename, fsync of the directory). */
  put(key: string, value: Secret): Promise<void>;
  /** All of them or none: one write, however many. */
  putAll(values: ReadonlyMap<string, Secret>): Promise<void>;
  /** Of those that are there; one write, or none where none is. */
  deleteAll(keys: readonly string[]): Promise<void>;
  /** True if it was there. */
  delete(key: string): Promise<boolean>;
  /** Keys with this prefix, sorted. */
  keys(prefix: string): Promise<readonly string[]>;
}

/** How a sealed file is made; the same for the disposable one in `sealed-cache`. */
export interface SealedStoreOptions {
  /** Absolute, `…/secrets.sealed` or `…/cache.sealed`. */
  readonly path: string;
  /** Written into the header: a change of `secret_store` in the config is noticed. */
  readonly kind: SecretStoreKind;
  readonly files: StoreFiles;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Contents {
  readonly key: DataKey;
  /** What is durable: never what is still being written. */
  secrets: ReadonlyMap<string, Secret>;
  sequence: number;
}

/** The secrets in one sealed file, in memory while the data key is held. Writes are serialized and durable. */
export class SealedSecretStore implements SecretStore {
  readonly #options: SealedStoreOptions;
  readonly #writes = new Mutex();
  #contents: Contents | undefined;
  #refusal = closedRefusal(NOT_PROBED);

  constructor(options: SealedStoreOptions) {
    this.#options = options;
  }

  /**
   * Takes the data key and reads the file; creates it, empty, where there is none. Resolves with the obstacle, if any:
   * another key's file and a newer version's stay untouched. A file of this key that was damaged since is set aside.
   */
  open(key: DataKey): Promise<Obstacle | undefined> {
    return this.#writes.run(async () => {
      const data = await readIfThere(this.#options.path);
      const opened = data ? unseal(data, "secrets", key) : undefined;
      switch (opened?.outcome) {
        case "ok":
          this.#contents = {
            key,
            secrets: parseSecrets(opened.plaintext, this.#options.path),
            sequence: opened.sequence,
          };
          return undefined;
        case "wrong-key":
          return this.#otherKey(opened.keyId, key);
        case "newer":
          return newerVersion(this.#options.path, opened.version);
        case "damaged":
          await this.#setAside(opened.reason);
          break;
        case undefined:
      }
      const contents: Contents = { key, secrets: new Map(), sequence: 0 };
      await this.#write(contents, contents.secrets);
      this.#contents = contents;
      return undefined;
    });
  }

  /** From this moment everything is refused with `refusal`; resolves when no write is under way any more. */
  close(refusal: BrokerError): Promise<void> {
    this.#contents = undefined;
    this.#refusal = refusal;
    return this.#writes.run(() => {
      this.#contents = undefined; // an `open` that was under way
      return Promise.resolve();
    });
  }

  get(key: string): Promise<Secret | undefined> {
    return this.#reading(({ secrets }) => secrets.get(key));
  }

  keys(prefix: string): Promise<readonly string[]> {
    return this.#reading(({ secrets }) => [...secrets.keys()].filter((key) => key.startsWith(prefix)).sort());
  }

  put(key: string, value: Secret): Promise<void> {
    return this.putAll(new Map([[key, value]]));
  }

  putAll(values: ReadonlyMap<string, Secret>): Promise<void> {
    return this.#writing((contents) => this.#write(contents, new Map([...contents.secrets, ...values])));
  }

  delete(key: string): Promise<boolean> {
    return this.#writing((contents) => this.#writeWithout(contents, [key]));
  }

  async deleteAll(keys: readonly string[]): Promise<void> {
    await this.#writing((contents) => this.#writeWithout(contents, keys));
  }

  /** False where there is none of them: then nothing is written. */
  async #writeWithout(contents: Contents, keys: readonly string[]): Promise<boolean> {
    const rest = new Map(contents.secrets);
    if (keys.filter((key) => rest.delete(key)).length === 0) return false;
    await this.#write(contents, rest);
    return true;
  }

  async #reading<T>(read: (contents: Contents) => T): Promise<T> {
    return Promise.resolve(read(this.#held()));
  }

  #writing<T>(write: (contents: Contents) => Promise<T>): Promise<T> {
    return this.#writes.run(() => write(this.#held()));
  }

  #held(): Contents {
    if (!this.#contents) throw this.#refusal;
    return this.#contents;
  }

  /** Memory follows the disk: a write that failed changes neither. */
  async #write(contents: Contents, secrets: ReadonlyMap<string, Secret>): Promise<void> {
    const { path, kind, files } = this.#options;
    const sequence = contents.sequence + 1;
    const plaintext = printSecrets(secrets);
    const data = seal(plaintext, { purpose: "secrets", kind, sequence }, contents.key);
    plaintext.fill(0);
    await writeOrExplain(files, path, data);
    contents.secrets = secrets;
    contents.sequence = sequence;
  }

  async #setAside(reason: string): Promise<void> {
    const { path, files, clock, logger } = this.#options;
    const aside = `${path}${BROKEN_MARK}${new Date(clock.now()).toISOString().replace(/[^0-9TZ]/g, "")}`;
    await files.fileSystem.rename(path, aside);
    await files.fileSystem.syncDirectory(dirname(path));
    logger.error({ file: path, aside, reason }, "sealed file set aside");
  }

  #otherKey(fileKeyId: string, held: DataKey): Obstacle {
    const { path } = this.#options;
    return {
      message: `${path} was sealed with another data key (${fileKeyId.slice(0, 8)}, not ${dataKeyId(held).slice(0, 8)})`,
      hint: `bring that data key back, or start anew: mv ${shellQuote(path)} ${shellQuote(`${path}.old`)} && brokerctl restart`,
    };
  }
}

/** `secrets.sealed.broken-20260102T030405678Z`: kept for the user to look at, listed in `status`. */
export const BROKEN_MARK = ".broken-";

/** Pairs, not an object: no name is special. */
function printSecrets(secrets: ReadonlyMap<string, Secret>): Buffer {
  return Buffer.from(JSON.stringify([...secrets].map(([key, value]) => [key, value.reveal()])));
}

function parseSecrets(plaintext: Buffer, path: string): Map<string, Secret> {
  const pairs = parsePairs(plaintext);
  plaintext.fill(0);
  // Sealed by us, so not tampered with: left as it is for a version that knows this form.
  if (!pairs) {
    throw new BrokerError("StoreUnavailable", `${path} holds something else than secrets`, { hint: "brokerctl logs" });
  }
  return new Map(pairs.map(([key, value]) => [key, new Secret(value)]));
}

/** A parser's error quotes what it read: it goes no further than here. */
function parsePairs(plaintext: Buffer): readonly (readonly [string, string])[] | undefined {
  try {
    const pairs: unknown = JSON.parse(plaintext.toString());
    return Array.isArray(pairs) && pairs.every(isPair) ? pairs : undefined;
  } catch {
    return undefined;
  }
}

function isPair(value: unknown): value is readonly [string, string] {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === "string");
}
