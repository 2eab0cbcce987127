import { Secret } from "../../core/secret.js";
import type { SecretStore } from "../../secrets/secret-store.js";

/** A login to the console, which is one of its source alone. */
export interface ConsoleLogin {
  /** PEM of the key that its tokens are bound to. */
  readonly dpopKey: Secret;
  /** Which of AWS's own clients it was made as. */
  readonly clientId: string;
  readonly refreshToken: Secret;
  /** Where it was made: no other region knows it. */
  readonly region: string;
  /** ARN of who logged in. */
  readonly loginSession: string;
  readonly accountId: string;
  /** Epoch milliseconds: AWS lets none last longer. */
  readonly endsAt: number;
}

const PREFIX = "console-login:";

/** Logins to the console: key and refresh token, in the secret store and nowhere else. */
export class ConsoleLoginStore {
  readonly #secrets: SecretStore;

  constructor(secrets: SecretStore) {
    this.#secrets = secrets;
  }

  async get(source: string): Promise<ConsoleLogin | undefined> {
    const stored = await this.#secrets.get(PREFIX + source);
    if (!stored) return undefined;
    const { dpopKey, refreshToken, ...rest } = JSON.parse(stored.reveal()) as FlatLogin;
    return { ...rest, dpopKey: new Secret(dpopKey), refreshToken: new Secret(refreshToken) };
  }

  /** Resolves once it is durable. */
  async put(source: string, { dpopKey, refreshToken, ...rest }: ConsoleLogin): Promise<void> {
    const flat: FlatLogin = { ...rest, dpopKey: dpopKey.reveal(), refreshToken: refreshToken.reveal() };
    await this.#secrets.put(PREFIX + source, new Secret(JSON.stringify(flat)));
  }

  async delete(source: string): Promise<void> {
    await this.#secrets.delete(PREFIX + source);
  }
}

interface FlatLogin extends Omit<ConsoleLogin, "dpopKey" | "refreshToken"> {
  readonly dpopKey: string;
  readonly refreshToken: string;
}
