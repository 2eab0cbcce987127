import { BrokerError, toBrokerError } from "../core/errors.js";
import { hashLeaseToken, LEASE_TOKEN_PATTERN, type Lease, newLeaseToken } from "../core/lease.js";
import type { Secret } from "../core/secret.js";
import type { SecretStore } from "../secrets/secret-store.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import { tokenNotKept } from "./lease-errors.js";
import {
  type LeaseSnapshot,
  type NextToken,
  withLease,
  withoutLeases,
  withRotationDue,
  withTokens,
} from "./lease-snapshot.js";
import type { LeaseState } from "./lease-state.js";
import { DEFAULT_LEASE, isDurable, newLease } from "./lease-terms.js";

const PREFIX = "lease:";

export interface LeaseTokensOptions {
  readonly state: LeaseState;
  readonly secrets: SecretStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Which token each lease has. Those of default, named and pinned leases are kept in the secret store under `lease:ID`, to
 * be shown again; what needs one rejects with `StoreLocked` while that is locked.
 *
 * Two files hold such a lease, and a crash may fall between them. A new token is written here first, so the secret store
 * decides which token a lease has; `leases.json` decides which leases live.
 */
export class LeaseTokens {
  readonly #state: LeaseState;
  readonly #secrets: SecretStore;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor({ state, secrets, clock, logger }: LeaseTokensOptions) {
    this.#state = state;
    this.#secrets = secrets;
    this.#clock = clock;
    this.#logger = logger;
  }

  /** The token of a lease that is kept; one that is not in force is brought into force, or replaced. */
  async access(id: string): Promise<Secret> {
    if (!isDurable(this.#state.byId(id))) throw tokenNotKept();
    return (await this.#inForce(id)) ?? this.#state.exclusive(() => this.#settled(id));
  }

  /** Inside a change: before the lease, a durable one, is acknowledged. */
  async keep({ id }: Lease, token: Secret): Promise<void> {
    await this.#secrets.put(PREFIX + id, token);
  }

  /** Inside a change: forgets tokens of leases that have ended. What cannot be forgotten now is found by the next reconcile. */
  async drop(leases: readonly Lease[]): Promise<void> {
    await this.#dropIds(leases.filter(isDurable).map(({ id }) => id));
  }

  /** A new token; the old one is refused at once. */
  async rotate(id: string): Promise<Secret> {
    return this.#state.exclusive(async () => {
      const lease = this.#state.byId(id);
      const next = newLeaseToken();
      // Should the write below fail, the next `access` or reconcile finds the new token here and takes it up.
      if (isDurable(lease)) await this.keep(lease, next);
      const token = { lease, hash: hashLeaseToken(next.reveal()) };
      await this.#state.saveThenApply(withTokens(this.#state.snapshot, [token], this.#clock.now()));
      return next;
    });
  }

  /** Refuses all tokens at once, without needing the secret store; child leases end. New tokens follow now or at the next reconcile. */
  async rotateAll(): Promise<void> {
    await this.#state.exclusive(async () => {
      const leases = [...this.#state.snapshot.leases.values()];
      const children = leases.filter((lease) => !isDurable(lease));
      const now = this.#clock.now();
      const placeholders = leases
        .filter(isDurable)
        .map((lease) => ({ lease, hash: hashLeaseToken(newLeaseToken().reveal()) }));
      const rest = withoutLeases(this.#state.snapshot, children, now);
      await this.#state.applyThenSave(withRotationDue(rest, placeholders, now));
      const rotated = leases.length - children.length;
      this.#logger.warn({ ended: children.length, rotated }, "all lease tokens revoked");
    });
    if (await this.#isReadable()) await this.reconcile();
  }

  /** Makes `leases.json` and the secret store agree, and makes the default lease where it is missing. */
  async reconcile(): Promise<void> {
    await this.#state.exclusive(async () => {
      const stored = await this.#ids();
      await this.#settle();
      // What is left of a creation that was never acknowledged, or of a lease that ended while the store was locked.
      await this.#dropIds(stored.filter((id) => !this.#state.snapshot.leases.has(id)));
    });
  }

  /** The stored token, if it is the one by which the lease is found. */
  async #inForce(id: string): Promise<Secret | undefined> {
    const token = await this.#stored(id);
    return token && hashLeaseToken(token.reveal()) === this.#state.byId(id).tokenHash ? token : undefined;
  }

  async #settled(id: string): Promise<Secret> {
    await this.#settle();
    const token = await this.#inForce(id);
    if (!token) throw new BrokerError("InternalError", `the token of lease ${id} was not kept by the secret store`);
    return token;
  }

  /**
   * Brings into force a default lease, and for each durable lease the token that is stored for it. Where that is missing or
   * revoked, a new one is made; all of them are stored together, before any is in force.
   */
  async #settle(): Promise<void> {
    const { snapshot } = this.#state;
    const made = new Map<string, Secret>();
    const ended = new Set(snapshot.ended.map(({ tokenHash }) => tokenHash));
    const hashFor = async (id: string): Promise<string> => {
      const stored = snapshot.rotationDue.has(id) ? undefined : await this.#stored(id);
      const storedHash = stored && hashLeaseToken(stored.reveal());
      // A token that was ended stays ended, even where an old copy of the secret store brings it back.
      if (storedHash !== undefined && !ended.has(storedHash)) return storedHash;
      const token = newLeaseToken();
      made.set(PREFIX + id, token);
      return hashLeaseToken(token.reveal());
    };
    const next: NextToken[] = [];
    for (const lease of [...snapshot.leases.values()].filter(isDurable)) {
      const hash = await hashFor(lease.id);
      if (hash !== lease.tokenHash) next.push({ lease, hash });
    }
    let settled = next.length === 0 ? snapshot : withTokens(snapshot, next, this.#clock.now());
    if (!snapshot.leases.has(DEFAULT_LEASE)) settled = this.#withDefaultLease(settled, await hashFor(DEFAULT_LEASE));
    if (made.size > 0) await this.#secrets.putAll(made);
    if (settled === snapshot) return;
    for (const { lease } of next) this.#logger.warn({ lease: lease.id }, "lease has another token now");
    await this.#state.saveThenApply(settled);
  }

  #withDefaultLease(snapshot: LeaseSnapshot, hash: string): LeaseSnapshot {
    const terms = { kind: "default", name: DEFAULT_LEASE, role: null, expiresAt: null } as const;
    return withLease(snapshot, newLease(terms, hash, this.#clock.now()));
  }

  /** undefined: none, or what is there has not the form of a lease token. */
  async #stored(id: string): Promise<Secret | undefined> {
    const token = await this.#secrets.get(PREFIX + id);
    return token && LEASE_TOKEN_PATTERN.test(token.reveal()) ? token : undefined;
  }

  /** Ids of leases that have a token in the secret store. */
  async #ids(): Promise<readonly string[]> {
    return (await this.#secrets.keys(PREFIX)).map((key) => key.slice(PREFIX.length));
  }

  /** False while the secret store is locked or broken, which is logged. */
  async #isReadable(): Promise<boolean> {
    try {
      await this.#ids();
      return true;
    } catch (error) {
      this.#logger.info({ code: toBrokerError(error).code }, "new lease tokens wait for the secret store");
      return false;
    }
  }

  async #dropIds(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    try {
      await this.#secrets.deleteAll(ids.map((id) => PREFIX + id));
    } catch (error) {
      const { code } = toBrokerError(error);
      this.#logger.info({ leases: ids, code }, "tokens of ended leases stay in the secret store for now");
    }
  }
}
