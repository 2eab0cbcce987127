import type { HeldCredentials } from "../core/credentials.js";
import { type BrokerError, toBrokerError } from "../core/errors.js";
import { conditionOf, type RoleCondition } from "../core/guard.js";
import { describeScope, type LeaseScope } from "../core/lease-scope.js";
import { type Role, sourceOf } from "../core/role.js";
import { narrowedName } from "../core/scope-digest.js";
import { ConcurrencyLimit } from "../core/serial.js";
import { unknownRole } from "../core/unknown-role.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import { CachedProvider, type ProviderSnapshot } from "./cached-provider.js";
import type { CachedRole } from "./credentials-snapshot.js";
import { narrowRole } from "./narrow-role.js";
import type { Hops } from "./role-provider.js";

/** The user waits in a terminal, not an SDK: long enough for slow chains, and then the user is told. */
const COMMAND_WAIT_MS = 60_000;
/** After a night's sleep everything is due at once: so many roles are renewed together, the others after them. */
const RENEWALS_AT_ONCE = 10;

export interface CredentialsRegistryOptions {
  /** New credentials for a role; the roles before it in its chain are asked of `hops`. It takes as long as it takes. */
  readonly retrieveUpstream: (role: Role, hops: Hops) => Promise<HeldCredentials>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: () => number;
  readonly onChange: () => void;
}

export interface RoleSnapshot extends ProviderSnapshot {
  readonly role: Role;
}

/** For a client: of which lease, and how long it has waited already. */
export interface Asked {
  /** What narrows the role; undefined: nothing. */
  readonly scope?: LeaseScope | undefined;
  readonly waitedMs?: number;
}

/** What the endpoint needs of credentials. `scope` is the lease's: a role narrowed by it has credentials of its own. */
export interface RoleCredentials {
  /**
   * For a client: answers from memory, waits at most 900 ms for a fetch that is needed, less what it has waited already.
   * Rejects with the BrokerError the client should see (`CredentialsPending` while the fetch goes on).
   */
  retrieve(role: string, asked?: Asked): Promise<HeldCredentials>;
  /** For a client: what `retrieve` answers without a wait; undefined: it would wait, or reject. */
  heldForClient(role: string, scope?: LeaseScope): HeldCredentials | undefined;
  /** What the role, narrowed so, asks of the leases that have it; undefined: there is no such role now. */
  condition(role: string, scope?: LeaseScope): RoleCondition | undefined;
}

interface Entry {
  readonly role: Role;
  readonly condition: RoleCondition;
  readonly provider: CachedProvider;
  /** When it was last adopted; undefined: the config has it. */
  readonly adoptedAt?: number;
}

export interface WarmOptions {
  readonly signal?: AbortSignal | undefined;
  readonly scope?: LeaseScope | undefined;
}

/** Keys of minutes would be made anew for hours after the last program that used them. */
const SHORT_IDLE_MS = 5 * 60_000;
const SHORT_S = 900;

/** A login may take place between naming a role and fetching or leasing it. */
const ADOPTED_KEEP_MS = 60 * 60_000;

/** The credentials of every configured role, by name, and of roles narrowed for leases, by role and scope. */
export class CredentialsRegistry implements RoleCredentials, Hops {
  readonly #options: CredentialsRegistryOptions;
  readonly #renewals = new ConcurrencyLimit(RENEWALS_AT_ONCE);
  #entries = new Map<string, Entry>();
  #idleAfterMs = Number.POSITIVE_INFINITY;
  #blocked: BrokerError | undefined;

  constructor(options: CredentialsRegistryOptions) {
    this.#options = options;
  }

  /** Takes a new config: roles of unchanged digest keep their credentials, changed ones are fetched anew. */
  configure(roles: Iterable<Role>, idleAfterMs: number): void {
    const former = this.#entries;
    this.#idleAfterMs = idleAfterMs;
    this.#entries = new Map();
    for (const role of roles) this.#entries.set(role.name, this.#entryFor(role, former.get(role.name)));
    this.#narrowAnew(former);
    this.#dropReplaced(former);
  }

  /**
   * A role that no entry of the config names (`SOURCE:ACCOUNT/ROLE`, `lambda:FUNCTION@VIA`): known until the next config leaves
   * it out, or `release` does.
   */
  adopt(role: Role): void {
    const isOfRole = ({ role: { name, narrowed } }: Entry): boolean => (narrowed?.base.name ?? name) === role.name;
    const former = new Map([...this.#entries].filter(([, entry]) => isOfRole(entry)));
    for (const name of former.keys()) if (name !== role.name) this.#entries.delete(name);
    const entry = this.#entryFor(role, former.get(role.name));
    this.#entries.set(role.name, { ...entry, adoptedAt: this.#options.clock.now() });
    this.#narrowAnew(former);
    this.#dropReplaced(former);
  }

  /**
   * The role narrowed for a lease: it holds credentials of its own from now on, until no client asks for them. Throws `ScopeRefused` where
   * it cannot be narrowed so, `RoleUnknown` where there is no such role.
   */
  narrow(name: string, scope: LeaseScope): Role {
    return (this.#narrowed(name, scope) ?? this.#missing(name)).role;
  }

  /** Lets go of adopted roles that are not `needed`, idle, no hop of others, and were adopted more than an hour ago. */
  release(needed: ReadonlySet<string>): void {
    const before = this.#options.clock.now() - ADOPTED_KEEP_MS;
    const mayGo = ({ role, provider, adoptedAt = Number.POSITIVE_INFINITY }: Entry): boolean =>
      adoptedAt < before && provider.lastRequestedAt === undefined && !needed.has(role.name);
    const entries = [...this.#entries.values()];
    const hops = new Set(entries.filter((entry) => !mayGo(entry)).flatMap(({ role }) => hopsOf(role)));
    for (const entry of entries) {
      if (!mayGo(entry) || hops.has(entry.role.name)) continue;
      this.#entries.delete(entry.role.name);
      entry.provider.drop();
    }
  }

  /** While locked or without a config every fetch is answered with `reason`; undefined: serve again. */
  block(reason: BrokerError | undefined): void {
    this.#blocked = reason;
  }

  async retrieve(name: string, { scope, waitedMs = 0 }: Asked = {}): Promise<HeldCredentials> {
    return this.#provider(name, scope).retrieve(waitedMs);
  }

  heldForClient(name: string, scope?: LeaseScope): HeldCredentials | undefined {
    return this.#blocked ? undefined : this.#known(name, scope)?.provider.heldForClient();
  }

  condition(name: string, scope?: LeaseScope): RoleCondition | undefined {
    const known = this.#known(name, scope);
    if (known || !scope) return known?.condition;
    const base = this.#entries.get(name);
    return base && conditionOf(base.role, scope);
  }

  /** For a command: waits up to 60 s or until `signal`; a failed earlier try is tried again at once. */
  async warm(name: string, { signal, scope }: WarmOptions = {}): Promise<HeldCredentials> {
    return this.#provider(name, scope).warm({ limitMs: COMMAND_WAIT_MS, ...(signal && { signal }) });
  }

  /** Renews although what is held is still good. */
  async refresh(name: string, signal?: AbortSignal): Promise<HeldCredentials> {
    return this.#provider(name).warm({ limitMs: COMMAND_WAIT_MS, force: true, ...(signal && { signal }) });
  }

  async retrieveForHop(role: Role, options: { readonly fresh?: boolean } = {}): Promise<HeldCredentials> {
    return this.#provider(role.name).retrieveForHop(options);
  }

  forget(role: Role, stale: HeldCredentials): void {
    this.#entries.get(role.name)?.provider.forget(stale);
  }

  /** A source can sign again: what waited for the user is fetched. */
  wake(source: string): void {
    this.#ofSource(source).forEach((provider) => provider.wake());
  }

  /** The store was opened. */
  wakeAll(): void {
    for (const { provider } of this.#entries.values()) provider.wake();
  }

  /** Logout, removed key: credentials that came from this source go. */
  dropSource(source: string): void {
    this.#ofSource(source).forEach((provider) => provider.drop());
  }

  dropAll(): void {
    for (const { provider } of this.#entries.values()) provider.drop();
  }

  /** The machine resumed: the wall clock moved by `jumpedMs` beside the time that passed. */
  onResume(jumpedMs: number): void {
    for (const { provider } of this.#entries.values()) provider.onResume(jumpedMs);
  }

  sweep(): void {
    if (this.#blocked) return;
    for (const { provider } of this.#lastRequestedFirst()) provider.sweep({ idleAfterMs: this.#idleAfterMs });
  }

  /** What is known of a role and still valid; nothing is fetched, and it does not count as being fetched. */
  peek(name: string, scope?: LeaseScope): Pick<RoleSnapshot, "role" | "held"> | undefined {
    const entry = this.#known(name, scope);
    return entry && { role: entry.role, held: entry.provider.peek() };
  }

  /** All that is known of a role, narrowed where a scope is given; undefined: there is none of that name. */
  snapshotOf(name: string, scope?: LeaseScope): RoleSnapshot | undefined {
    const entry = this.#known(name, scope);
    return entry && { role: entry.role, ...entry.provider.snapshot() };
  }

  /** In config order; then those that are narrowed for leases, which have `role.narrowed`. */
  snapshot(): readonly RoleSnapshot[] {
    return [...this.#entries.values()].map(({ role, provider }) => ({ role, ...provider.snapshot() }));
  }

  /** After a restart: what was cached under the same definition is taken up again. */
  restore(cached: ReadonlyMap<string, CachedRole>): void {
    for (const [name, { role, provider }] of this.#entries) {
      const entry = cached.get(name);
      if (entry?.digest === role.digest) provider.restore(entry);
    }
  }

  /** The digest covers all that decides the credentials: the delegate of an unchanged entry retrieves the same. */
  #entryFor(role: Role, former: Entry | undefined): Entry {
    const { base = role, scope } = role.narrowed ?? {};
    const condition = conditionOf(base, scope);
    if (former?.role.digest === role.digest) return { role, condition, provider: former.provider };
    const provider = this.#newProvider(role);
    provider.restore({ held: undefined, lastRequestedAt: former?.provider.lastRequestedAt });
    return { role, condition, provider };
  }

  #newProvider(role: Role): CachedProvider {
    const { retrieveUpstream, clock, logger, random, onChange } = this.#options;
    const { base, scope } = role.narrowed ?? {};
    const isShort = (role.scoped?.durationSeconds ?? SHORT_S) < SHORT_S;
    return new CachedProvider({
      role: base && scope ? `${base.name} (${describeScope(scope)})` : role.name,
      ...(isShort && { idleAfterMs: SHORT_IDLE_MS }),
      retrieveUpstream: () => retrieveUpstream(role, this),
      clock,
      logger,
      random,
      renewals: this.#renewals,
      onChange,
    });
  }

  #lastRequestedFirst(): readonly Entry[] {
    const requestedAt = ({ provider }: Entry): number => provider.lastRequestedAt ?? 0;
    return [...this.#entries.values()].sort((a, b) => requestedAt(b) - requestedAt(a));
  }

  #provider(name: string, scope?: LeaseScope): CachedProvider {
    if (this.#blocked) throw this.#blocked;
    const entry = scope ? this.#narrowed(name, scope) : this.#entries.get(name);
    return (entry ?? this.#missing(name)).provider;
  }

  #missing(name: string): never {
    throw unknownRole(name);
  }

  #known(name: string, scope: LeaseScope | undefined): Entry | undefined {
    return this.#entries.get(scope ? narrowedName(name, scope) : name);
  }

  /** As it is known, else made of the role; undefined: there is no such role. */
  #narrowed(name: string, scope: LeaseScope, former?: ReadonlyMap<string, Entry>): Entry | undefined {
    const known = this.#known(name, scope);
    const base = this.#entries.get(name)?.role;
    if (known || !base) return known;
    const adoptedAt = this.#options.clock.now();
    for (const role of narrowRole(base, scope)) {
      this.#entries.set(role.name, { ...this.#entryFor(role, former?.get(role.name)), adoptedAt });
    }
    return this.#known(name, scope);
  }

  /** Of roles that may be defined otherwise now. One that cannot be narrowed so any more is refused where it is asked for. */
  #narrowAnew(former: ReadonlyMap<string, Entry>): void {
    for (const { role } of former.values()) {
      if (!role.narrowed) continue;
      try {
        this.#narrowed(role.narrowed.base.name, role.narrowed.scope, former);
      } catch (error) {
        if (toBrokerError(error).code !== "ScopeRefused") throw error;
      }
    }
  }

  #dropReplaced(former: ReadonlyMap<string, Entry>): void {
    for (const [name, { provider }] of former) {
      if (this.#entries.get(name)?.provider !== provider) provider.drop();
    }
  }

  #ofSource(source: string): readonly CachedProvider[] {
    const entries = [...this.#entries.values()];
    return entries.filter(({ role }) => sourceOf(role).name === source).map(({ provider }) => provider);
  }
}

function hopsOf({ origin }: Role): readonly string[] {
  return origin.kind === "role" ? [origin.role.name, ...hopsOf(origin.role)] : [];
}
