import { BrokerError, toBrokerError } from "../core/errors.js";
import { hashLeaseToken, type Lease, newLeaseToken } from "../core/lease.js";
import type { Secret } from "../core/secret.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import { isDurable, type LeaseBook, withLease, withoutLeases, withRotationDue, withToken } from "./lease-book.js";
import { tokenNotKept } from "./lease-errors.js";
import type { LeaseState } from "./lease-state.js";
import { DEFAULT_LEASE, newLease } from "./new-lease.js";
import type { RawTokens } from "./raw-tokens.js";

export interface LeaseTokensOptions {
  readonly state: LeaseState;
  readonly raw: RawTokens;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Keeps the two places that know a token in step: hashes in `leases.json`, raw ones in the secret store. */
export class LeaseTokens {
  readonly #state: LeaseState;
  readonly #raw: RawTokens;
  readonly #clock: Clock;
  readonly #logger: Logger;

  constructor({ state, raw, clock, logger }: LeaseTokensOptions) {
    this.#state = state;
    this.#raw = raw;
    this.#clock = clock;
    this.#logger = logger;
  }

  reconcile(): Promise<void> {
    return this.#state.exclusive(async () => {
      const stored = await this.#raw.ids();
      await this.#settle();
      // What is left of a creation that was never acknowledged, or of a lease that ended while the store was locked.
      await this.drop(stored.filter((id) => !this.#state.book.leases.has(id)));
    });
  }

  async access({ id }: Lease): Promise<Secret> {
    if (!isDurable(this.#state.byId(id))) throw tokenNotKept();
    return (await this.#inStep(id)) ?? this.#state.exclusive(() => this.#bringInStep(id));
  }

  async rotate(id: string): Promise<Secret> {
    return this.#state.exclusive(async () => {
      const lease = this.#state.byId(id);
      const token = newLeaseToken();
      // Should the write below fail, the next `access` or reconcile finds the new token here and takes it up.
      if (isDurable(lease)) await this.#raw.put(id, token);
      await this.#state.grant(withToken(this.#state.book, lease, this.#stamp(token)));
      return token;
    });
  }

  /** Burns every token at once, without needing the secret store; new ones follow now or at the next reconcile. */
  async rotateAll(): Promise<void> {
    await this.#state.exclusive(async () => {
      const leases = [...this.#state.book.leases.values()];
      const children = leases.filter((lease) => !isDurable(lease));
      let book = withoutLeases(this.#state.book, children, this.#clock.now());
      for (const lease of leases.filter(isDurable)) book = withRotationDue(book, lease, this.#stamp(newLeaseToken()));
      await this.#state.withdraw(book);
      this.#logger.warn({ ended: children.length, rotated: leases.length - children.length }, "all lease tokens burnt");
    });
    if (await this.#canReadRaw()) await this.reconcile();
  }

  /** Forgets raw tokens of leases that are over. What cannot be forgotten now is found by the next reconcile. */
  async drop(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      try {
        await this.#raw.delete(id);
      } catch (error) {
        const { code } = toBrokerError(error);
        this.#logger.info({ lease: id, code }, "token of an ended lease stays in the secret store for now");
      }
    }
  }

  async #canReadRaw(): Promise<boolean> {
    try {
      await this.#raw.ids();
      return true;
    } catch (error) {
      this.#logger.info({ code: toBrokerError(error).code }, "new lease tokens wait for the secret store");
      return false;
    }
  }

  /** The stored token, if it is the one that the lease answers to. */
  async #inStep(id: string): Promise<Secret | undefined> {
    const token = await this.#raw.get(id);
    return token && hashLeaseToken(token.reveal()) === this.#state.byId(id).tokenHash ? token : undefined;
  }

  async #bringInStep(id: string): Promise<Secret> {
    await this.#settle();
    const token = await this.#inStep(id);
    if (!token) throw new BrokerError("InternalError", `the token of lease ${id} was not kept by the secret store`);
    return token;
  }

  /** Gives every durable lease the token that the secret store has for it, the default lease above all. */
  async #settle(): Promise<void> {
    const now = this.#clock.now();
    let book = await this.#withDefaultLease(this.#state.book);
    for (const lease of [...book.leases.values()].filter(isDurable)) {
      const hash = await this.#raw.settle(book, lease.id);
      if (hash === lease.tokenHash) continue;
      book = withToken(book, lease, { hash, now });
      this.#logger.warn({ lease: lease.id }, "lease has another token now");
    }
    if (book !== this.#state.book) await this.#state.grant(book);
  }

  async #withDefaultLease(book: LeaseBook): Promise<LeaseBook> {
    if (book.leases.has(DEFAULT_LEASE)) return book;
    const hash = await this.#raw.settle(book, DEFAULT_LEASE);
    const terms = { kind: "default", name: DEFAULT_LEASE, role: null, expiresAt: null } as const;
    return withLease(book, newLease(terms, hash, this.#clock.now()));
  }

  #stamp(token: Secret): { hash: string; now: number } {
    return { hash: hashLeaseToken(token.reveal()), now: this.#clock.now() };
  }
}
