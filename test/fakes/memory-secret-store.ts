import { BrokerError } from "../../src/core/errors.js";
import type { Secret } from "../../src/core/secret.js";
import type { SecretStore } from "../../src/secrets/secret-store.js";

/** A secret store in memory that can be locked. */
export class MemorySecretStore implements SecretStore {
  locked = false;
  readonly #values = new Map<string, Secret>();

  async get(key: string): Promise<Secret | undefined> {
    this.#check();
    return this.#values.get(key);
  }

  async put(key: string, value: Secret): Promise<void> {
    this.#check();
    this.#values.set(key, value);
  }

  async putAll(values: ReadonlyMap<string, Secret>): Promise<void> {
    this.#check();
    for (const [key, value] of values) this.#values.set(key, value);
  }

  async deleteAll(keys: readonly string[]): Promise<void> {
    this.#check();
    for (const key of keys) this.#values.delete(key);
  }

  async delete(key: string): Promise<boolean> {
    this.#check();
    return this.#values.delete(key);
  }

  async keys(prefix: string): Promise<readonly string[]> {
    this.#check();
    return [...this.#values.keys()].filter((key) => key.startsWith(prefix)).sort();
  }

  #check(): void {
    if (this.locked) throw new BrokerError("StoreLocked", "the secret store is locked", { hint: "brokerctl unlock" });
  }
}
