import { isExpired, type Lease, type LeaseHolder, type LeaseSelector } from "../core/lease.js";
import type { Secret } from "../core/secret.js";
import type { SecretStore } from "../secrets/secret-store.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import type { ProcessTable } from "../system/process-identity.js";
import { isDurable, labelOf, withLease, withoutLeases } from "./lease-book.js";
import { defaultNotRevocable, holderFixed, rolePinned } from "./lease-errors.js";
import { type ChildLeaseTerms, type GrantedLease, LeaseIssuer, type NamedLeaseTerms } from "./lease-issuer.js";
import { withRole } from "./lease-role.js";
import { type LeaseLookup, LeaseState } from "./lease-state.js";
import type { LeaseStore } from "./lease-store.js";
import { LeaseTokens } from "./lease-tokens.js";
import { checkEnd, checkRole, DEFAULT_LEASE } from "./new-lease.js";
import { RawTokens } from "./raw-tokens.js";
import { sweepLeases } from "./sweep-leases.js";

export interface LeaseRegistryOptions {
  readonly store: LeaseStore;
  readonly secrets: SecretStore;
  readonly clock: Clock;
  readonly processes: ProcessTable;
  readonly logger: Logger;
  /** Called with every change that holds, awaited before it is acknowledged; must not wait for another change. */
  readonly onChange?: () => Promise<void>;
}

/**
 * Every lease there is. Look-ups answer from memory and need no secret; what is acknowledged is durable.
 * Call `load` first, `reconcile` each time the secret store opens, `sweep` every 15 s, and `flush` at the end.
 */
export class LeaseRegistry {
  readonly #state: LeaseState;
  readonly #tokens: LeaseTokens;
  readonly #issuer: LeaseIssuer;
  readonly #clock: Clock;
  readonly #processes: ProcessTable;
  readonly #logger: Logger;

  constructor({ store, secrets, clock, processes, logger, onChange }: LeaseRegistryOptions) {
    const raw = new RawTokens(secrets);
    this.#state = new LeaseState({ store, clock, onChange: onChange ?? (() => Promise.resolve()) });
    this.#tokens = new LeaseTokens({ state: this.#state, raw, clock, logger });
    this.#issuer = new LeaseIssuer({ state: this.#state, raw, tokens: this.#tokens, clock });
    this.#clock = clock;
    this.#processes = processes;
    this.#logger = logger;
  }

  /** Reads `leases.json`. Until that has worked every other method throws or rejects and the file is not written. */
  async load(): Promise<void> {
    await this.#state.load();
    await this.sweep();
  }

  /**
   * Makes `leases.json` and the secret store agree after what may lie behind us (a crash, a lock, a lost file), and makes
   * the default lease where it is missing. Rejects with `StoreLocked` while the secret store is locked.
   */
  async reconcile(): Promise<void> {
    await this.#tokens.reconcile();
  }

  /** What the endpoint gets: it looks leases up, and changes none. */
  get lookup(): LeaseLookup {
    return this.#state;
  }

  resolve(token: string): Lease {
    return this.#state.resolve(token);
  }

  /** The role a lease stands for now; null: none chosen. */
  roleOf(lease: Lease): string | null {
    return this.#state.roleOf(lease);
  }

  select(selector: LeaseSelector): Lease {
    switch (selector.by) {
      case "default":
        return this.#state.byName(DEFAULT_LEASE);
      case "name":
        return this.#state.byName(selector.name);
      case "token":
        return this.resolve(selector.token);
      case "id":
        return this.#state.byId(selector.id);
    }
  }

  /** Live leases: the default one first, then in the order they were made. */
  list(): readonly Lease[] {
    const now = this.#clock.now();
    return [...this.#state.book.leases.values()]
      .filter((lease) => !isExpired(lease, now))
      .map((lease) => this.#state.present(lease))
      .sort((a, b) => Number(b.kind === "default") - Number(a.kind === "default") || a.createdAt - b.createdAt);
  }

  /** The token of a default, named or pinned lease. Rejects with `StoreLocked` while the secret store is locked. */
  async access(lease: Lease): Promise<Secret> {
    return this.#tokens.access(lease);
  }

  /** The lease of `env ROLE`, named `role:ROLE`: one a role, made when it is first asked for. */
  async pinned(role: string): Promise<Lease> {
    return this.#issuer.pinned(role);
  }

  /** Rejects with `Conflict` while a lease of that name lives. */
  async createNamed(terms: NamedLeaseTerms): Promise<Lease> {
    return this.#issuer.named(terms);
  }

  /** The token is told here and never again: only its hash is kept. */
  async createChild(terms: ChildLeaseTerms): Promise<GrantedLease> {
    return this.#issuer.child(terms);
  }

  /** The CLI made the lease before its child existed: from now on it ends with the child. */
  async handOver(id: string, holder: LeaseHolder): Promise<Lease> {
    return this.#change(id, (lease) => {
      if (lease.kind !== "child") throw holderFixed(labelOf(lease));
      return { ...lease, holder };
    });
  }

  /** `use`. null: none for the default lease, to follow the default lease for others. `until`: then back to what it was. */
  async assign(id: string, role: string | null, { until }: { readonly until?: number | null } = {}): Promise<Lease> {
    return this.#change(id, (lease) => {
      if (lease.kind === "pinned") throw rolePinned(labelOf(lease));
      checkRole(role);
      checkEnd(until, this.#clock.now());
      return withRole(lease, { role, until });
    });
  }

  /** A new token; the old one is refused at once, as `LeaseEnded`. */
  async rotate(id: string): Promise<GrantedLease> {
    const token = await this.#tokens.rotate(id);
    return { token, lease: this.#state.byId(id) };
  }

  /** Somebody else may have harvested tokens on our port: all are refused at once, child leases end. */
  async rotateAll(): Promise<void> {
    await this.#tokens.rotateAll();
  }

  /** Ends a lease for good. The default lease is always there: it can only be rotated (`UsageInvalid`). */
  async revoke(id: string): Promise<Lease> {
    return this.#state.exclusive(async () => {
      const lease = this.#state.byId(id);
      if (lease.kind === "default") throw defaultNotRevocable();
      const now = this.#clock.now();
      await this.#state.withdraw(withoutLeases(this.#state.book, [lease], now));
      if (isDurable(lease)) await this.#tokens.drop([id]);
      return { ...lease, endedAt: now };
    });
  }

  /** Ends what has run out or lost its process, applies fall-backs, saves uses. Cheap; never rejects. */
  async sweep(): Promise<void> {
    if (!this.#state.loaded) return;
    await this.#state.exclusive(async () => {
      const { book, ended } = sweepLeases(this.#state.book, this.#clock.now(), this.#processes);
      if (book !== this.#state.book || this.#state.writeDue) await this.#saveQuietly(book);
      for (const { lease, why } of ended) this.#logger.info({ lease: lease.id, name: lease.name, why }, "lease ended");
      await this.#tokens.drop(ended.filter(({ lease }) => isDurable(lease)).map(({ lease }) => lease.id));
    });
  }

  /** Saves what is only in memory: last uses, ends whose write failed. */
  async flush(): Promise<void> {
    if (!this.#state.loaded) return;
    await this.#state.exclusive(async () => {
      if (this.#state.writePending) await this.#state.withdraw(this.#state.book);
    });
  }

  #change(id: string, change: (lease: Lease) => Lease): Promise<Lease> {
    return this.#state.exclusive(async () => {
      await this.#state.grant(withLease(this.#state.book, change(this.#state.byId(id))));
      return this.#state.byId(id);
    });
  }

  /** The next sweep tries again. */
  async #saveQuietly(book: Parameters<LeaseState["withdraw"]>[0]): Promise<void> {
    try {
      await this.#state.withdraw(book);
    } catch (err) {
      this.#logger.warn({ err }, "leases could not be saved");
    }
  }
}
