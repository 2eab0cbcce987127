import { hashLeaseToken, LEASE_TOKEN_PATTERN, newLeaseToken } from "../core/lease.js";
import type { Secret } from "../core/secret.js";
import type { SecretStore } from "../secrets/secret-store.js";
import type { LeaseBook } from "./lease-book.js";

const PREFIX = "lease:";

/**
 * The tokens of default, named and pinned leases, which must be handed out again and again; in the secret store under
 * `lease:ID`. Everything rejects with `StoreLocked` while that is locked.
 *
 * Two files hold a lease, and a crash may fall between them. Here is written first when a token is made, so the secret
 * store decides which token a lease has; `leases.json` decides which leases live.
 */
export class RawTokens {
  readonly #secrets: SecretStore;

  constructor(secrets: SecretStore) {
    this.#secrets = secrets;
  }

  /** undefined: none, or none of ours. */
  async get(id: string): Promise<Secret | undefined> {
    const token = await this.#secrets.get(PREFIX + id);
    return token && LEASE_TOKEN_PATTERN.test(token.reveal()) ? token : undefined;
  }

  async put(id: string, token: Secret): Promise<void> {
    await this.#secrets.put(PREFIX + id, token);
  }

  async delete(id: string): Promise<void> {
    await this.#secrets.delete(PREFIX + id);
  }

  /** Ids of leases that have a token here. */
  async ids(): Promise<readonly string[]> {
    return (await this.#secrets.keys(PREFIX)).map((key) => key.slice(PREFIX.length));
  }

  /** Hash of the token that lease `id` has from now on: the stored one; a new one where that is missing or burnt. */
  async settle(book: LeaseBook, id: string): Promise<string> {
    const stored = book.rotationDue.has(id) ? undefined : await this.get(id);
    const storedHash = stored && hashLeaseToken(stored.reveal());
    // One that was ended stays ended, even where an old copy of the secret store brings it back.
    if (storedHash !== undefined && !book.ended.some(({ tokenHash }) => tokenHash === storedHash)) return storedHash;
    const token = newLeaseToken();
    await this.put(id, token);
    return hashLeaseToken(token.reveal());
  }
}
