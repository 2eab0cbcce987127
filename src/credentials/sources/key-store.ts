import type { SigningCredentials } from "../../core/credentials.js";
import { BrokerError } from "../../core/errors.js";
import { Secret } from "../../core/secret.js";
import type { SecretStore } from "../../secrets/secret-store.js";

const PREFIX = "keys:";

/** A long-term access key of an IAM user, as the secret store holds it. */
export interface StoredKey extends SigningCredentials {
  readonly source: string;
  /** Epoch milliseconds. */
  readonly addedAt: number;
  readonly rotatedAt: number | null;
}

/** Long-term keys by source name. They are read for one signature at a time and never leave the daemon. */
export class KeyStore {
  readonly #secrets: SecretStore;

  constructor(secrets: SecretStore) {
    this.#secrets = secrets;
  }

  /** Rejects with KeyMissing where the source has none, with StoreLocked while the store is locked. */
  async get(source: string): Promise<StoredKey> {
    const stored = await this.#secrets.get(PREFIX + source);
    if (!stored) {
      throw new BrokerError("KeyMissing", `source ${source} has no access key`, {
        hint: `brokerctl keys add ${source}`,
      });
    }
    return decode(source, stored);
  }

  async put(key: StoredKey): Promise<void> {
    await this.#secrets.put(PREFIX + key.source, encode(key));
  }

  /** True if there was one. */
  async delete(source: string): Promise<boolean> {
    return this.#secrets.delete(PREFIX + source);
  }

  async has(source: string): Promise<boolean> {
    return (await this.#secrets.get(PREFIX + source)) !== undefined;
  }

  async list(): Promise<readonly StoredKey[]> {
    const names = (await this.#secrets.keys(PREFIX)).map((key) => key.slice(PREFIX.length));
    return Promise.all(names.map((name) => this.get(name)));
  }
}

interface KeyRecord {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly addedAt: number;
  readonly rotatedAt: number | null;
}

function encode(key: StoredKey): Secret {
  const record: KeyRecord = {
    accessKeyId: key.accessKeyId,
    secretAccessKey: key.secretAccessKey.reveal(),
    addedAt: key.addedAt,
    rotatedAt: key.rotatedAt,
  };
  return new Secret(JSON.stringify(record));
}

function decode(source: string, stored: Secret): StoredKey {
  const record = JSON.parse(stored.reveal()) as KeyRecord;
  return { ...record, source, secretAccessKey: new Secret(record.secretAccessKey) };
}
