import type { Secret } from "../core/secret.js";

/**
 * Named secrets in one sealed file. Keys are `kind:name`, e.g. `keys:ops-keys`, `lease:default`.
 * Every method rejects with `StoreLocked` while the data key is not held.
 */
export interface SecretStore {
  get(key: string): Promise<Secret | undefined>;
  /** Resolves once the new file is durable (fsync, rename, fsync of the directory). */
  put(key: string, value: Secret): Promise<void>;
  /** True if it was there. */
  delete(key: string): Promise<boolean>;
  /** Keys with this prefix, sorted. */
  keys(prefix: string): Promise<readonly string[]>;
}

/** The disposable sealed file: one blob, written behind; unreadable means empty. */
export interface SealedCache {
  read(): Promise<string | undefined>;
  write(text: string): Promise<void>;
}
