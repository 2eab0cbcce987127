import { hashLeaseToken, isExpired, type Lease, type LeaseHolder, newLeaseToken } from "../core/lease.js";
import type { Secret } from "../core/secret.js";
import type { Clock } from "../system/clock.js";
import { isDurable, type LeaseBook, withLease, withoutLeases } from "./lease-book.js";
import { nameTaken } from "./lease-errors.js";
import type { LeaseState } from "./lease-state.js";
import type { LeaseTokens } from "./lease-tokens.js";
import { checkEnd, checkLeaseName, checkRole, checkRoom, type LeaseTerms, newLease } from "./new-lease.js";
import type { RawTokens } from "./raw-tokens.js";

/** A lease and its token. */
export interface GrantedLease {
  readonly lease: Lease;
  readonly token: Secret;
}

export interface NamedLeaseTerms {
  readonly name: string;
  /** null: follows the default lease. */
  readonly role: string | null;
  /** Epoch milliseconds; null: until it is revoked. */
  readonly expiresAt: number | null;
}

export interface ChildLeaseTerms {
  /** null: follows the default lease. */
  readonly role: string | null;
  readonly holder: LeaseHolder;
  /** Epoch milliseconds; null: until its holder is gone. */
  readonly expiresAt: number | null;
}

export interface LeaseIssuerOptions {
  readonly state: LeaseState;
  readonly raw: RawTokens;
  readonly tokens: LeaseTokens;
  readonly clock: Clock;
}

/** Makes leases. */
export class LeaseIssuer {
  readonly #state: LeaseState;
  readonly #raw: RawTokens;
  readonly #tokens: LeaseTokens;
  readonly #clock: Clock;

  constructor({ state, raw, tokens, clock }: LeaseIssuerOptions) {
    this.#state = state;
    this.#raw = raw;
    this.#tokens = tokens;
    this.#clock = clock;
  }

  /** The lease of `env ROLE`: one a role, made when it is first asked for. */
  async pinned(role: string): Promise<Lease> {
    const name = `role:${role}`;
    const find = (): Lease | undefined => this.#state.findNamed(name);
    const found = find() ?? (await this.#state.exclusive(async () => find() ?? (await this.#issuePinned(name, role))));
    return this.#state.byId(found.id);
  }

  async named({ name, role, expiresAt }: NamedLeaseTerms): Promise<Lease> {
    checkLeaseName(name);
    return this.#state.exclusive(async () => {
      const old = this.#state.findNamed(name);
      const now = this.#clock.now();
      if (old && !isExpired(old, now)) throw nameTaken(name);
      const book = old ? withoutLeases(this.#state.book, [old], now) : this.#state.book;
      const { lease } = await this.#issue({ kind: "named", name, role, expiresAt }, book);
      if (old) await this.#tokens.drop([old.id]);
      return lease;
    });
  }

  async child({ role, holder, expiresAt }: ChildLeaseTerms): Promise<GrantedLease> {
    return this.#state.exclusive(() => this.#issue({ kind: "child", role, holder, expiresAt }, this.#state.book));
  }

  async #issuePinned(name: string, role: string): Promise<Lease> {
    const { lease } = await this.#issue({ kind: "pinned", name, role, expiresAt: null }, this.#state.book);
    return lease;
  }

  async #issue(terms: LeaseTerms, book: LeaseBook): Promise<GrantedLease> {
    checkRole(terms.role);
    checkEnd(terms.expiresAt, this.#clock.now());
    checkRoom(book.leases, terms.kind);
    const token = newLeaseToken();
    const lease = newLease(terms, hashLeaseToken(token.reveal()), this.#clock.now());
    if (isDurable(lease)) await this.#raw.put(lease.id, token);
    try {
      await this.#state.grant(withLease(book, lease));
    } catch (error) {
      if (isDurable(lease)) await this.#tokens.drop([lease.id]);
      throw error;
    }
    return { lease, token };
  }
}
