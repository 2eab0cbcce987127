import type { AuditRecorder } from "../audit/audit-log.js";
import type { RoleCondition } from "../core/guard.js";
import {
  type Grant,
  hashLeaseToken,
  isExpired,
  type Lease,
  type LeaseHolder,
  type LeaseSelector,
  newLeaseToken,
  ownScope,
  scopeField,
} from "../core/lease.js";
import { isSameScope } from "../core/scope-digest.js";
import type { Secret } from "../core/secret.js";
import type { JournalWrites } from "../files/journal-file.js";
import type { WriteAtomic } from "../files/state-file.js";
import type { SecretStore } from "../secrets/secret-store.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import type { ProcessTable } from "../system/process-identity.js";
import { defaultNotRevocable, nameTaken, socketTaken } from "./lease-errors.js";
import { type Narrowing, narrowedFamily, requireNotNarrowed } from "./lease-narrowing.js";
import {
  changedLeases,
  type LeaseSnapshot,
  renamedLeases,
  withEach,
  withLease,
  withoutLeases,
} from "./lease-snapshot.js";
import { type LeaseLookup, LeaseState } from "./lease-state.js";
import {
  type ChildLeaseTerms,
  checkLeaseName,
  checkSpace,
  DEFAULT_LEASE,
  grantedLease,
  handedOver,
  isDurable,
  type LeaseTerms,
  type LeaseWithToken,
  movedLease,
  type NamedLeaseTerms,
  newLease,
  type PinnedTerms,
  pinnedName,
  type RoleChoice,
  withoutGrants,
} from "./lease-terms.js";
import { LeaseTokens } from "./lease-tokens.js";
import { LeaseUpkeep } from "./lease-upkeep.js";

export interface LeaseRegistryOptions {
  /** `leases.json`. */
  readonly path: string;
  readonly writeAtomic: WriteAtomic;
  /** How the journal of child leases is written; tests let it fail. */
  readonly journal?: JournalWrites;
  readonly secrets: SecretStore;
  readonly clock: Clock;
  readonly processes: ProcessTable;
  readonly logger: Logger;
  /** What ends by itself is on record; what a caller ends is put there by control. */
  readonly audit?: AuditRecorder;
  /** Called with every change that holds (what shells read is written then: daemon/shell-files), awaited before it is acknowledged; must not wait for another change. */
  readonly onChange?: () => Promise<void>;
}

/**
 * Every lease there is. Look-ups answer from memory and need no secret; what is acknowledged is durable.
 * Call `load` first, `reconcile` each time the secret store opens, `sweep` every 15 s, and `flush` at the end.
 */
export class LeaseRegistry {
  readonly #state: LeaseState;
  readonly #tokens: LeaseTokens;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #upkeep: LeaseUpkeep;

  constructor({ secrets, processes, audit, onChange, ...options }: LeaseRegistryOptions) {
    const { clock, logger } = options;
    this.#state = new LeaseState({ ...options, onChange: onChange ?? (() => Promise.resolve()) });
    this.#tokens = new LeaseTokens({ state: this.#state, secrets, clock, logger });
    this.#clock = clock;
    this.#logger = logger;
    this.#upkeep = new LeaseUpkeep({ state: this.#state, tokens: this.#tokens, clock, processes, logger, audit });
  }

  /**
   * Reads `leases.json`. Until that has worked every other method throws or rejects and the file is not written. Answers the
   * leases that an older version let `use` move, and this one pins.
   */
  async load(): Promise<readonly string[]> {
    const pinnedNow = await this.#state.load();
    if (pinnedNow.length > 0) this.#logger.warn({ leases: pinnedNow }, "named leases with a role are pinned now");
    await this.sweep();
    return pinnedNow;
  }

  /** What a lease that has the role must have been granted; throws `GuardRefused`. */
  requireGrant(lease: Lease, role: RoleCondition): void {
    this.#state.requireGrant(lease, role);
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

  /** What shells without a lease of their own use, as it stands now; undefined: the secret store was never open yet. */
  get default(): Lease | undefined {
    const lease = this.#state.loaded ? this.#state.findNamed(DEFAULT_LEASE) : undefined;
    return lease && this.#state.present(lease);
  }

  /** Live leases: the default one first, then in the order they were made. */
  list(): readonly Lease[] {
    const now = this.#clock.now();
    return [...this.#state.snapshot.leases.values()]
      .filter((lease) => !isExpired(lease, now))
      .map((lease) => this.#state.present(lease))
      .sort((a, b) => Number(b.kind === "default") - Number(a.kind === "default") || a.createdAt - b.createdAt);
  }

  /** Live leases that are served on a socket of their own. */
  get withSocket(): readonly Lease[] {
    return this.#state.withSocket;
  }

  /**
   * The lease of `env ROLE`, named `role:ROLE`, narrowed `role:ROLE#…`: one a role and scope, made when it is first asked for. With
   * `expiresAt` it lasts until then at least, and does end.
   */
  async pinned(role: string, { grant, scope, expiresAt, madeBy }: PinnedTerms = {}): Promise<Lease> {
    requireNotNarrowed(madeBy, this.#state);
    const name = pinnedName(role, scope);
    const grants = grant && { grants: [grant] };
    const end = { expiresAt: expiresAt ?? null };
    const terms = { kind: "pinned", name, role, ...end, ...scopeField(scope), ...grants, madeBy } as const;
    const find = (): Lease | undefined => this.#findLive(name);
    const found = find() ?? (await this.#state.exclusive(async () => find() ?? this.#issueNamed(terms)));
    // Only a part of the digest is in the name.
    if (!isSameScope(ownScope(found), scope)) throw nameTaken(name);
    if (expiresAt !== undefined) await this.#prolong(found, expiresAt);
    if (grant && !found.grants?.includes(grant)) return this.grant(found.id, grant);
    return this.#state.byId(found.id);
  }

  /** Rejects with `Conflict` while a lease of that name lives. */
  async createNamed(terms: NamedLeaseTerms): Promise<Lease> {
    checkLeaseName(terms.name);
    return this.#state.exclusive(async () => {
      if (this.#findLive(terms.name)) throw nameTaken(terms.name);
      return this.#issueNamed({ kind: "named", ...terms });
    });
  }

  /** The token is given here only: afterwards only its hash is kept. */
  async createChild(terms: ChildLeaseTerms): Promise<LeaseWithToken> {
    return this.#state.exclusive(() => this.#issue({ kind: "child", ...terms }));
  }

  /**
   * `use`, and with `evenPinned` `lease set`. null: none for the default lease, to follow the default lease for others.
   * `until`: then back to what it was.
   */
  async assign(id: string, role: string | null, choice: Omit<RoleChoice, "role"> = {}): Promise<Lease> {
    return this.#change(id, (lease) => movedLease(lease, { ...choice, role }, this.#clock.now()));
  }

  /** The lease may have the role until then; it stays where it is. */
  async grant(id: string, grant: Grant): Promise<Lease> {
    return this.#change(id, (lease) => grantedLease(lease, grant, this.#clock.now()));
  }

  /** Takes grants back, at once also where that cannot be saved: a lease that stands on one is where it was before. */
  async withdraw(isTaken: (grant: Grant, lease: Lease) => boolean): Promise<void> {
    return this.#state.exclusive(async () => {
      const { snapshot } = this.#state;
      const changed = changedLeases(snapshot, (lease) => withoutGrants(lease, (grant) => isTaken(grant, lease)));
      const next = withEach(snapshot, changed);
      if (next !== snapshot) await this.#state.applyThenSave(next);
    });
  }

  /**
   * Roles have other names now: what a lease stands for, falls back to, had before or was granted follows. Answers how many
   * leases that are; rejects with `Conflict` where a lease of `env ROLE` is in the way, and changes none.
   */
  async renameRoles(rename: (role: string) => string): Promise<number> {
    return this.#state.exclusive(async () => {
      const { snapshot } = this.#state;
      const changed = renamedLeases(snapshot, rename, (name) => this.#state.findNamed(name));
      if (changed.length > 0) await this.#state.saveThenApply(withEach(snapshot, changed));
      return changed.length;
    });
  }

  /** The wall clock was set back by so much: no grant lasts longer for it. Never rejects. */
  async clockSetBack(ms: number): Promise<void> {
    await this.#upkeep.clockSetBack(ms);
  }

  /**
   * Narrows a lease, and what its programs made as far, at once also where that cannot be saved. Answers the lease, then those of
   * the others that had more. Rejects where any of them cannot be narrowed so, and changes none.
   */
  async narrow(id: string, narrowing: Narrowing): Promise<readonly [Lease, ...Lease[]]> {
    return this.#state.exclusive(async () => {
      const { snapshot } = this.#state;
      const leases = narrowedFamily(snapshot, this.#state.byId(id), { ...narrowing, now: this.#clock.now() });
      await this.#state.applyThenSave(withEach(snapshot, leases));
      return leases;
    });
  }

  /** The CLI made the lease before its child existed: from now on it ends with the child. */
  async handOver(id: string, holder: LeaseHolder): Promise<Lease> {
    return this.#change(id, (lease) => handedOver(lease, holder));
  }

  /** Ends a lease for good. The default lease is always there: it can only be rotated (`UsageInvalid`). */
  async revoke(id: string): Promise<Lease> {
    return this.#state.exclusive(async () => {
      const lease = this.#state.byId(id);
      if (lease.kind === "default") throw defaultNotRevocable();
      const now = this.#clock.now();
      await this.#state.applyThenSave(withoutLeases(this.#state.snapshot, [lease], now));
      if (isDurable(lease)) await this.#tokens.drop([lease]);
      return { ...lease, endedAt: now };
    });
  }

  /** The token of a default, named or pinned lease. Rejects with `StoreLocked` while the secret store is locked. */
  async access({ id }: Lease): Promise<Secret> {
    return this.#tokens.access(id);
  }

  /** A new token; the old one is refused at once, as `LeaseEnded`. */
  async rotate(id: string): Promise<LeaseWithToken> {
    const token = await this.#tokens.rotate(id);
    return { token, lease: this.#state.byId(id) };
  }

  /** For when another process may have collected tokens on our port: all are refused at once, and child leases end. */
  async rotateAll(): Promise<void> {
    await this.#tokens.rotateAll();
  }

  /**
   * Makes `leases.json` and the secret store agree after a crash, a lock or the loss of a file, and makes the default
   * lease where it is missing. Rejects with `StoreLocked` while the secret store is locked.
   */
  async reconcile(): Promise<void> {
    await this.#tokens.reconcile();
  }

  /** Ends what has run out or lost its process, applies fall-backs, saves uses. Cheap; never rejects. */
  async sweep(): Promise<void> {
    await this.#upkeep.sweep();
  }

  /** Why `leases.json` is not what is in force, for `status`; the next sweep tries again. undefined: it is. */
  get saveProblem(): string | undefined {
    return this.#state.saveProblem;
  }

  /** Saves what is only in memory: last uses, ends whose write failed. */
  async flush(): Promise<void> {
    await this.#upkeep.flush();
  }

  async #prolong({ id, expiresAt: end }: Lease, expiresAt: number): Promise<void> {
    if ((end ?? 0) < expiresAt) await this.#change(id, (lease) => ({ ...lease, expiresAt }));
  }

  #findLive(name: string): Lease | undefined {
    const lease = this.#state.findNamed(name);
    return lease && !isExpired(lease, this.#clock.now()) ? lease : undefined;
  }

  /** In place of one of that name that has ended and was not swept yet. */
  async #issueNamed(terms: LeaseTerms & Required<Pick<LeaseTerms, "name">>): Promise<Lease> {
    const old = this.#state.findNamed(terms.name);
    const { snapshot } = this.#state;
    const rest = old ? withoutLeases(snapshot, [old], this.#clock.now()) : snapshot;
    const { lease } = await this.#issue(terms, rest);
    if (old) await this.#tokens.drop([old]);
    return lease;
  }

  /** Makes a lease in `base`, the leases that stay beside it. */
  async #issue(terms: LeaseTerms, base: LeaseSnapshot = this.#state.snapshot): Promise<LeaseWithToken> {
    const token = newLeaseToken();
    const lease = newLease(terms, hashLeaseToken(token.reveal()), this.#clock.now());
    checkSpace(base.leases, terms.kind);
    if (terms.madeBy) requireNotNarrowed(terms.madeBy, this.#state);
    const onSocket = this.#state.withSocket.find(({ socket }) => socket === terms.socket);
    if (onSocket) throw socketTaken(onSocket);
    if (isDurable(lease)) await this.#tokens.keep(lease, token);
    try {
      await this.#state.saveThenApply(withLease(base, lease));
    } catch (error) {
      if (isDurable(lease)) await this.#tokens.drop([lease]);
      throw error;
    }
    return { lease, token };
  }

  #change(id: string, change: (lease: Lease) => Lease): Promise<Lease> {
    return this.#state.exclusive(async () => {
      await this.#state.saveThenApply(withLease(this.#state.snapshot, change(this.#state.byId(id))));
      return this.#state.byId(id);
    });
  }
}
