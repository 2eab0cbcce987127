import type { Secret } from "../core/secret.js";
import type { SecretStoreKind } from "../core/secret-store-kind.js";
import { storeProblem } from "../core/store-problem.js";
import type { SealedStore } from "../secrets/create-secret-store.js";
import type { SealedCache } from "../secrets/sealed-cache.js";
import type { SecretStore } from "../secrets/secret-store.js";
import type { StoreAccess, UnlockOptions } from "../secrets/store-access.js";
import type { StoreState } from "../secrets/store-state.js";

const NOT_CONFIGURED = {
  state: "error",
  message: "no valid config says who holds the data key",
  hint: "brokerctl config check",
} as const satisfies StoreState;

/**
 * The secret store of a daemon that may start without a valid config: everything that needs secrets is
 * built on this, and works from the moment a config names the holder.
 */
export class CurrentStore implements StoreAccess, SecretStore, SealedCache {
  #store: SealedStore | undefined;

  use(store: SealedStore): void {
    this.#store = store;
  }

  get isConfigured(): boolean {
    return this.#store !== undefined;
  }

  get kind(): SecretStoreKind {
    return this.#store?.access.kind ?? "keychain";
  }

  current(): StoreState {
    return this.#store?.access.current() ?? NOT_CONFIGURED;
  }

  async probe(): Promise<StoreState> {
    return this.#store?.access.probe() ?? NOT_CONFIGURED;
  }

  async unlock(options: UnlockOptions): Promise<StoreState> {
    return this.#configured().access.unlock(options);
  }

  async create(options: UnlockOptions): Promise<StoreState> {
    return this.#configured().access.create(options);
  }

  async isPassphrase(passphrase: Secret): Promise<boolean> {
    return this.#configured().access.isPassphrase(passphrase);
  }

  async lock(): Promise<void> {
    return this.#configured().access.lock();
  }

  async get(key: string): Promise<Secret | undefined> {
    return this.#configured().secrets.get(key);
  }

  async put(key: string, value: Secret): Promise<void> {
    return this.#configured().secrets.put(key, value);
  }

  async putAll(values: ReadonlyMap<string, Secret>): Promise<void> {
    return this.#configured().secrets.putAll(values);
  }

  async deleteAll(keys: readonly string[]): Promise<void> {
    return this.#configured().secrets.deleteAll(keys);
  }

  async delete(key: string): Promise<boolean> {
    return this.#configured().secrets.delete(key);
  }

  async keys(prefix: string): Promise<readonly string[]> {
    return this.#configured().secrets.keys(prefix);
  }

  async read(): Promise<string | undefined> {
    return this.#configured().cache.read();
  }

  async write(text: () => string): Promise<void> {
    return this.#configured().cache.write(text);
  }

  async flush(): Promise<void> {
    await this.#store?.cache.flush();
  }

  #configured(): SealedStore {
    if (this.#store) return this.#store;
    throw storeProblem(NOT_CONFIGURED);
  }
}
