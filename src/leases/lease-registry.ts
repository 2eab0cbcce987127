import { BrokerError } from "../core/errors.js";
import {
  hashLeaseToken,
  isExpired,
  type Lease,
  type LeaseHolder,
  type LeaseSelector,
  newLeaseToken,
} from "../core/lease.js";
import type { Secret } from "../core/secret.js";
import type { WriteAtomic } from "../files/state-file.js";
import type { SecretStore } from "../secrets/secret-store.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import type { ProcessTable } from "../system/process-identity.js";
import { defaultNotRevocable, holderFixed, nameTaken, rolePinned, tokenNotKept } from "./lease-errors.js";
import {
  isDurable,
  type LeaseSnapshot,
  labelOf,
  sweepLeases,
  withLease,
  withoutLeases,
  withRole,
  withRotationDue,
  withToken,
} from "./lease-snapshot.js";
import { type LeaseLookup, LeaseState } from "./lease-state.js";
import { LeaseTokenStore } from "./lease-token-store.js";
import {
  type ChildLeaseTerms,
  checkEnd,
  checkLeaseName,
  checkRole,
  checkSpace,
  DEFAULT_LEASE,
  type GrantedLease,
  type LeaseTerms,
  type NamedLeaseTerms,
  newLease,
} from "./new-lease.js";

export interface LeaseRegistryOptions {
  /** `leases.json`. */
  readonly path: string;
  readonly writeAtomic: WriteAtomic;
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
  readonly #tokens: LeaseTokenStore;
  readonly #clock: Clock;
  readonly #processes: ProcessTable;
  readonly #logger: Logger;

  constructor({ path, writeAtomic, secrets, clock, processes, logger, onChange }: LeaseRegistryOptions) {
    this.#state = new LeaseState({ path, writeAtomic, clock, onChange: onChange ?? (() => Promise.resolve()) });
    this.#tokens = new LeaseTokenStore({ secrets, clock, logger });
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
   * Makes `leases.json` and the secret store agree after a crash, a lock or the loss of a file, and makes the default
   * lease where it is missing. Rejects with `StoreLocked` while the secret store is locked.
   */
  async reconcile(): Promise<void> {
    await this.#state.exclusive(async () => {
      const stored = await this.#tokens.ids();
      await this.#settleTokens();
      // What is left of a creation that was never acknowledged, or of a lease that ended while the store was locked.
      await this.#tokens.drop(stored.filter((id) => !this.#state.snapshot.leases.has(id)));
    });
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
    return [...this.#state.snapshot.leases.values()]
      .filter((lease) => !isExpired(lease, now))
      .map((lease) => this.#state.present(lease))
      .sort((a, b) => Number(b.kind === "default") - Number(a.kind === "default") || a.createdAt - b.createdAt);
  }

  /** The token of a default, named or pinned lease. Rejects with `StoreLocked` while the secret store is locked. */
  async access({ id }: Lease): Promise<Secret> {
    if (!isDurable(this.#state.byId(id))) throw tokenNotKept();
    return (await this.#tokenInForce(id)) ?? this.#state.exclusive(() => this.#settledToken(id));
  }

  /** The lease of `env ROLE`, named `role:ROLE`: one a role, made when it is first asked for. */
  async pinned(role: string): Promise<Lease> {
    const name = `role:${role}`;
    const find = (): Lease | undefined => this.#state.findNamed(name);
    const make = async (): Promise<Lease> => {
      const { lease } = await this.#issue({ kind: "pinned", name, role, expiresAt: null });
      return lease;
    };
    const found = find() ?? (await this.#state.exclusive(async () => find() ?? (await make())));
    return this.#state.byId(found.id);
  }

  /** Rejects with `Conflict` while a lease of that name lives. */
  async createNamed({ name, role, expiresAt }: NamedLeaseTerms): Promise<Lease> {
    checkLeaseName(name);
    return this.#state.exclusive(async () => {
      const old = this.#state.findNamed(name);
      const now = this.#clock.now();
      if (old && !isExpired(old, now)) throw nameTaken(name);
      const { snapshot } = this.#state;
      const rest = old ? withoutLeases(snapshot, [old], now) : snapshot;
      const { lease } = await this.#issue({ kind: "named", name, role, expiresAt }, rest);
      if (old) await this.#tokens.drop([old.id]);
      return lease;
    });
  }

  /** The token is given here only: afterwards only its hash is kept. */
  async createChild({ role, holder, expiresAt }: ChildLeaseTerms): Promise<GrantedLease> {
    return this.#state.exclusive(() => this.#issue({ kind: "child", role, holder, expiresAt }));
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
    const token = await this.#state.exclusive(async () => {
      const lease = this.#state.byId(id);
      const next = newLeaseToken();
      // Should the write below fail, the next `access` or reconcile finds the new token here and takes it up.
      if (isDurable(lease)) await this.#tokens.put(id, next);
      await this.#state.grant(withToken(this.#state.snapshot, lease, this.#stamp(next)));
      return next;
    });
    return { token, lease: this.#state.byId(id) };
  }

  /**
   * For when another process may have collected tokens on our port: all are refused at once, without needing the secret
   * store, and child leases end. New tokens follow now or at the next reconcile.
   */
  async rotateAll(): Promise<void> {
    await this.#state.exclusive(async () => {
      const leases = [...this.#state.snapshot.leases.values()];
      const children = leases.filter((lease) => !isDurable(lease));
      let next = withoutLeases(this.#state.snapshot, children, this.#clock.now());
      for (const lease of leases.filter(isDurable)) next = withRotationDue(next, lease, this.#stamp(newLeaseToken()));
      await this.#state.withdraw(next);
      const rotated = leases.length - children.length;
      this.#logger.warn({ ended: children.length, rotated }, "all lease tokens revoked");
    });
    if (await this.#tokens.isReadable()) await this.reconcile();
  }

  /** Ends a lease for good. The default lease is always there: it can only be rotated (`UsageInvalid`). */
  async revoke(id: string): Promise<Lease> {
    return this.#state.exclusive(async () => {
      const lease = this.#state.byId(id);
      if (lease.kind === "default") throw defaultNotRevocable();
      const now = this.#clock.now();
      await this.#state.withdraw(withoutLeases(this.#state.snapshot, [lease], now));
      if (isDurable(lease)) await this.#tokens.drop([id]);
      return { ...lease, endedAt: now };
    });
  }

  /** Ends what has run out or lost its process, applies fall-backs, saves uses. Cheap; never rejects. */
  async sweep(): Promise<void> {
    if (!this.#state.loaded) return;
    await this.#state.exclusive(async () => {
      const { snapshot, ended } = sweepLeases(this.#state.snapshot, this.#clock.now(), this.#processes);
      if (snapshot !== this.#state.snapshot || this.#state.writeDue) await this.#saveQuietly(snapshot);
      for (const { lease, why } of ended) this.#logger.info({ lease: lease.id, name: lease.name, why }, "lease ended");
      await this.#tokens.drop(ended.filter(({ lease }) => isDurable(lease)).map(({ lease }) => lease.id));
    });
  }

  /** Why `leases.json` is not what is in force, for `status`; the next sweep tries again. undefined: it is. */
  get saveProblem(): string | undefined {
    return this.#state.saveProblem;
  }

  /** Saves what is only in memory: last uses, ends whose write failed. */
  async flush(): Promise<void> {
    if (!this.#state.loaded) return;
    await this.#state.exclusive(async () => {
      if (this.#state.writePending) await this.#state.withdraw(this.#state.snapshot);
    });
  }

  /** Makes a lease in `base`, the leases that stay beside it. */
  async #issue(terms: LeaseTerms, base: LeaseSnapshot = this.#state.snapshot): Promise<GrantedLease> {
    const now = this.#clock.now();
    checkRole(terms.role);
    checkEnd(terms.expiresAt, now);
    checkSpace(base.leases, terms.kind);
    const token = newLeaseToken();
    const lease = newLease(terms, hashLeaseToken(token.reveal()), now);
    if (isDurable(lease)) await this.#tokens.put(lease.id, token);
    try {
      await this.#state.grant(withLease(base, lease));
    } catch (error) {
      if (isDurable(lease)) await this.#tokens.drop([lease.id]);
      throw error;
    }
    return { lease, token };
  }

  #change(id: string, change: (lease: Lease) => Lease): Promise<Lease> {
    return this.#state.exclusive(async () => {
      await this.#state.grant(withLease(this.#state.snapshot, change(this.#state.byId(id))));
      return this.#state.byId(id);
    });
  }

  async #settleTokens(): Promise<void> {
    const settled = await this.#tokens.settle(this.#state.snapshot);
    if (settled !== this.#state.snapshot) await this.#state.grant(settled);
  }

  /** The stored token, if it is the one by which the lease is found. */
  async #tokenInForce(id: string): Promise<Secret | undefined> {
    const token = await this.#tokens.get(id);
    return token && hashLeaseToken(token.reveal()) === this.#state.byId(id).tokenHash ? token : undefined;
  }

  async #settledToken(id: string): Promise<Secret> {
    await this.#settleTokens();
    const token = await this.#tokenInForce(id);
    if (!token) throw new BrokerError("InternalError", `the token of lease ${id} was not kept by the secret store`);
    return token;
  }

  /** The next sweep tries again. */
  async #saveQuietly(snapshot: LeaseSnapshot): Promise<void> {
    try {
      await this.#state.withdraw(snapshot);
    } catch (err) {
      this.#logger.warn({ err }, "leases could not be saved");
    }
  }

  #stamp(token: Secret): { readonly hash: string; now: number } {
    return { hash: hashLeaseToken(token.reveal()), now: this.#clock.now() };
  }
}
