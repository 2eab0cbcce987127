import { toBrokerError } from "../core/errors.js";
import type { RoleCondition } from "../core/guard.js";
import { grantFor, hashLeaseToken, isExpired, type Lease, labelOf, leaseAt } from "../core/lease.js";
import { Mutex } from "../core/serial.js";
import type { Clock } from "../system/clock.js";
import {
  defaultLeaseMissing,
  grantMissing,
  leaseEnded,
  leaseNotFound,
  leasesNotLoaded,
  leaseUnknown,
} from "./lease-errors.js";
import { LeaseIndex, type LeaseSnapshot, snapshotOf, withEach } from "./lease-snapshot.js";
import { LeaseStore, type LeaseStoreOptions } from "./lease-store.js";
import { DEFAULT_LEASE } from "./lease-terms.js";

/** A last use alone is written at most once a minute. */
const TOUCH_WRITE_MS = 60_000;

/** What the endpoint needs of leases: look-ups from memory, by the token that a client sends. */
export interface LeaseLookup {
  /** The live lease with this token, looked up by its hash. Throws `LeaseUnknown` or `LeaseEnded`. */
  resolve(token: string): Lease;
  /** The live lease whose token has this SHA-256; undefined: `resolve` says why not. */
  find(tokenHash: string): Lease | undefined;
  /** The live lease with this id. Throws `LeaseUnknown` or `LeaseEnded`. */
  byId(id: string): Lease;
  /** The role a lease stands for now: its own, or the default lease's while it follows; null: none chosen. */
  roleOf(lease: Lease): string | null;
  /** Throws `GuardRefused` where the role, as it is defined now, is not granted to the lease and would have to be. */
  requireGrant(lease: Lease, role: RoleCondition): void;
  /** Whether `requireGrant` lets it pass. */
  mayHave(lease: Lease, role: RoleCondition): boolean;
  /** Remembers that the lease was used now. */
  touch(lease: Lease): void;
}

export interface LeaseStateOptions extends LeaseStoreOptions {
  readonly clock: Clock;
  /** Called with every change that holds; awaited before the change is acknowledged. Never rejects. */
  readonly onChange: () => Promise<void>;
}

/** The leases in memory and on disk: one change at a time, look-ups from memory. */
export class LeaseState implements LeaseLookup {
  readonly #store: LeaseStore;
  readonly #clock: Clock;
  readonly #onChange: () => Promise<void>;
  #snapshot: LeaseSnapshot | undefined;
  readonly #index = new LeaseIndex();
  readonly #changes = new Mutex();
  /** A write failed: the file may lack an end that holds in memory, or have a change that was never acknowledged. */
  #unsaved = false;
  #saveProblem: string | undefined;
  /** Lease id → last use that the file does not know yet. */
  readonly #touches = new Map<string, number>();
  #touchedSince = 0;

  constructor({ clock, onChange, ...store }: LeaseStateOptions) {
    this.#store = new LeaseStore(store);
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Answers the leases that an older version let `use` move, and this one pins: that is written with the next change. */
  async load(): Promise<readonly string[]> {
    const records = await this.#store.read();
    this.#apply(snapshotOf(records));
    const pinnedNow = records.pinnedNow ?? [];
    this.#unsaved = pinnedNow.length > 0;
    return pinnedNow;
  }

  get loaded(): boolean {
    return this.#snapshot !== undefined;
  }

  /** Throws while the leases could not be read: nothing is looked up in them or written over them. */
  get snapshot(): LeaseSnapshot {
    if (!this.#snapshot) throw leasesNotLoaded();
    return this.#snapshot;
  }

  /** This and the two below return the live lease as it stands now, or throw the error that its client is answered with. */
  resolve(token: string): Lease {
    const tokenHash = hashLeaseToken(token);
    const lease = this.#loadedIndex.byHash.get(tokenHash);
    if (lease) return this.#live(lease);
    const ended = this.#loadedIndex.endedByHash.get(tokenHash);
    throw ended ? leaseEnded(ended) : leaseUnknown();
  }

  find(tokenHash: string): Lease | undefined {
    const lease = this.#index.byHash.get(tokenHash);
    const now = this.#clock.now();
    return lease && !isExpired(lease, now) ? leaseAt(lease, now) : undefined;
  }

  byId(id: string): Lease {
    const lease = this.snapshot.leases.get(id);
    if (lease) return this.#live(lease);
    const ended = this.#loadedIndex.endedById.get(id);
    throw ended ? leaseEnded(ended) : leaseNotFound(`with the id ${id}`);
  }

  byName(name: string): Lease {
    const lease = this.findNamed(name);
    if (lease) return this.#live(lease);
    throw name === DEFAULT_LEASE ? defaultLeaseMissing() : leaseNotFound(`named ${name}`);
  }

  roleOf(lease: Lease): string | null {
    const now = this.#clock.now();
    const current = leaseAt(this.snapshot.leases.get(lease.id) ?? lease, now);
    if (!current.followsDefault) return current.role;
    const followed = this.findNamed(DEFAULT_LEASE);
    return followed ? leaseAt(followed, now).role : null;
  }

  requireGrant(lease: Lease, role: RoleCondition): void {
    if (!this.mayHave(lease, role)) throw grantMissing(this.snapshot.leases.get(lease.id) ?? lease, role.name);
  }

  mayHave(lease: Lease, { name, digests, guarded }: RoleCondition): boolean {
    const now = this.#clock.now();
    const current = leaseAt(this.snapshot.leases.get(lease.id) ?? lease, now);
    const followed = current.followsDefault ? this.findNamed(DEFAULT_LEASE) : undefined;
    const holder = followed ? leaseAt(followed, now) : current;
    if (grantFor(holder, { role: name, digests }, now)) return true;
    // Of a role without guard, what was granted is good for the role as it was shown.
    const standsOnGrant = holder.temporary !== undefined && holder.role === name;
    const wasGranted = standsOnGrant && holder.grants?.some(({ role }) => role === name);
    return !guarded && !wasGranted;
  }

  /** Also one that has expired and was not swept yet. */
  findNamed(name: string): Lease | undefined {
    return this.#loadedIndex.byName.get(name);
  }

  /** Live leases that have a socket of their own. */
  get withSocket(): readonly Lease[] {
    const now = this.#clock.now();
    return [...this.#index.bySocket.values()].filter((lease) => !isExpired(lease, now));
  }

  /** The lease as it stands now: role after a fall-back, last use. */
  present(lease: Lease): Lease {
    const settled = leaseAt(lease, this.#clock.now());
    const lastUsedAt = this.#touches.get(lease.id);
    return lastUsedAt === undefined ? settled : { ...settled, lastUsedAt };
  }

  /** Runs `change` when all earlier ones have settled. */
  exclusive<T>(change: () => Promise<T>): Promise<T> {
    return this.#changes.run(change);
  }

  /** For a change that gives access: durable first, so that a crash takes back nothing that was acknowledged. */
  async saveThenApply(snapshot: LeaseSnapshot): Promise<void> {
    const touched = this.#withTouches(snapshot, () => this.#store.lasts(snapshot));
    await this.#write(touched);
    this.#apply(touched);
    await this.#onChange();
  }

  /** For a change that takes access away: in force in memory at once, also when the write fails. */
  async applyThenSave(snapshot: LeaseSnapshot): Promise<void> {
    const isDurable = (): boolean => snapshot === this.#snapshot || this.writeDue || this.#store.lasts(snapshot);
    const touched = this.#withTouches(snapshot, isDurable);
    this.#apply(touched);
    try {
      await this.#write(touched);
    } finally {
      await this.#onChange();
    }
  }

  touch({ id }: Lease): void {
    const now = this.#clock.now();
    if (this.#touches.size === 0) this.#touchedSince = now;
    this.#touches.set(id, now);
  }

  /** Whether a write is due although no lease changes: one failed, or a last use is unsaved for a minute. */
  get writeDue(): boolean {
    // Math.abs: when the clock was set back, the wait would be as long as the jump.
    const waited = Math.abs(this.#clock.now() - this.#touchedSince);
    return this.#unsaved || (this.#touches.size > 0 && waited >= TOUCH_WRITE_MS);
  }

  /** Why the file is not what memory is, for `status`; undefined: it is, or is being written. */
  get saveProblem(): string | undefined {
    return this.#saveProblem;
  }

  get writePending(): boolean {
    return this.#unsaved || this.#touches.size > 0;
  }

  get #loadedIndex(): LeaseIndex {
    if (!this.#snapshot) throw leasesNotLoaded();
    return this.#index;
  }

  #live(lease: Lease): Lease {
    if (isExpired(lease, this.#clock.now())) throw leaseEnded({ label: labelOf(lease), kind: lease.kind });
    return this.present(lease);
  }

  /** Uses of leases that last wait for a change that is durable anyway, or for the sweep: `exec` waits for no disk. */
  #withTouches(snapshot: LeaseSnapshot, isDurable: () => boolean): LeaseSnapshot {
    if (this.#touches.size === 0) return snapshot;
    const withAll = isDurable();
    const used = [...this.#touches].flatMap(([id, lastUsedAt]) => {
      const lease = snapshot.leases.get(id);
      return lease && (withAll || lease.kind === "child") ? [{ ...lease, lastUsedAt }] : [];
    });
    return withEach(snapshot, used);
  }

  async #write(snapshot: LeaseSnapshot): Promise<void> {
    const touches = [...this.#touches];
    this.#unsaved = true;
    try {
      await this.#store.write(snapshot);
    } catch (error) {
      this.#saveProblem = toBrokerError(error).message;
      throw error;
    }
    this.#unsaved = false;
    this.#saveProblem = undefined;
    let areLeft = false;
    for (const [id, at] of touches) {
      const lease = snapshot.leases.get(id);
      if (lease && lease.lastUsedAt !== at) areLeft = true;
      else if (this.#touches.get(id) === at) this.#touches.delete(id);
    }
    if (!areLeft) this.#touchedSince = this.#clock.now();
  }

  #apply(snapshot: LeaseSnapshot): void {
    this.#snapshot = snapshot;
    this.#index.follow(snapshot);
  }
}
