import { toBrokerError } from "../core/errors.js";
import { hashLeaseToken, LEASE_TOKEN_PATTERN, newLeaseToken } from "../core/lease.js";
import type { Secret } from "../core/secret.js";
import type { SecretStore } from "../secrets/secret-store.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import { isDurable, type LeaseSnapshot, withLease, withToken } from "./lease-snapshot.js";
import { DEFAULT_LEASE, newLease } from "./new-lease.js";

const PREFIX = "lease:";

export interface LeaseTokenStoreOptions {
  readonly secrets: SecretStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * The tokens of default, named and pinned leases, which are shown again on request; in the secret store under `lease:ID`.
 * Everything but `isReadable` and `drop` rejects with `StoreLocked` while that is locked.
 *
 * Two files hold a lease, and a crash may fall between them. A new token is written here first, so the secret store
 * decides which token a lease has; `leases.json` decides which leases live.
 */
export class LeaseTokenStore {
  readonly #secrets: SecretStore;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor({ secrets, clock, logger }: LeaseTokenStoreOptions) {
    this.#secrets = secrets;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** undefined: none, or what is there has not the form of a lease token. */
  async get(id: string): Promise<Secret | undefined> {
    const token = await this.#secrets.get(PREFIX + id);
    return token && LEASE_TOKEN_PATTERN.test(token.reveal()) ? token : undefined;
  }

  async put(id: string, token: Secret): Promise<void> {
    await this.#secrets.put(PREFIX + id, token);
  }

  /** Ids of leases that have a token here. */
  async ids(): Promise<readonly string[]> {
    return (await this.#secrets.keys(PREFIX)).map((key) => key.slice(PREFIX.length));
  }

  /** False while the secret store is locked or broken, which is logged. */
  async isReadable(): Promise<boolean> {
    try {
      await this.ids();
      return true;
    } catch (error) {
      this.#logger.info({ code: toBrokerError(error).code }, "new lease tokens wait for the secret store");
      return false;
    }
  }

  /** Forgets tokens of leases that have ended. What cannot be forgotten now is found by the next reconcile. */
  async drop(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      try {
        await this.#secrets.delete(PREFIX + id);
      } catch (error) {
        const { code } = toBrokerError(error);
        this.#logger.info({ lease: id, code }, "token of an ended lease stays in the secret store for now");
      }
    }
  }

  /**
   * `snapshot` with a default lease, in which each durable lease has the token that is kept here for it. Where that token
   * is missing or revoked, a new one is made and kept. The same object if nothing changed.
   */
  async settle(snapshot: LeaseSnapshot): Promise<LeaseSnapshot> {
    const now = this.#clock.now();
    let settled = await this.#withDefaultLease(snapshot);
    for (const lease of [...settled.leases.values()].filter(isDurable)) {
      const hash = await this.#hashFor(lease.id, settled);
      if (hash === lease.tokenHash) continue;
      settled = withToken(settled, lease, { hash, now });
      this.#logger.warn({ lease: lease.id }, "lease has another token now");
    }
    return settled;
  }

  async #withDefaultLease(snapshot: LeaseSnapshot): Promise<LeaseSnapshot> {
    if (snapshot.leases.has(DEFAULT_LEASE)) return snapshot;
    const hash = await this.#hashFor(DEFAULT_LEASE, snapshot);
    const terms = { kind: "default", name: DEFAULT_LEASE, role: null, expiresAt: null } as const;
    return withLease(snapshot, newLease(terms, hash, this.#clock.now()));
  }

  /** Hash of the token that lease `id` has from now on. */
  async #hashFor(id: string, { rotationDue, ended }: LeaseSnapshot): Promise<string> {
    const stored = rotationDue.has(id) ? undefined : await this.get(id);
    const storedHash = stored && hashLeaseToken(stored.reveal());
    // A token that was ended stays ended, even where an old copy of the secret store brings it back.
    if (storedHash !== undefined && !ended.some(({ tokenHash }) => tokenHash === storedHash)) return storedHash;
    const token = newLeaseToken();
    await this.put(id, token);
    return hashLeaseToken(token.reveal());
  }
}
