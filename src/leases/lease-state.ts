import { toBrokerError } from "../core/errors.js";
import type { RoleCondition } from "../core/guard.js";
import { grantFor, hashLeaseToken, isExpired, type Lease, leaseAt } from "../core/lease.js";
import { Mutex } from "../core/serial.js";
import { StateFile, type WriteAtomic } from "../files/state-file.js";
import type { Clock } from "../system/clock.js";
import {
  defaultLeaseMissing,
  grantMissing,
  leaseEnded,
  leaseNotFound,
  leasesNotLoaded,
  leaseUnknown,
} from "./lease-errors.js";
import { type EndedToken, parseLeaseRecords, renderLeaseRecords } from "./lease-records.js";
import { EMPTY_SNAPSHOT, type LeaseSnapshot, recordsOf, snapshotOf } from "./lease-snapshot.js";
import { DEFAULT_LEASE, labelOf } from "./lease-terms.js";

/** A last use alone is written at most once a minute. */
const TOUCH_WRITE_MS = 60_000;

/** What the endpoint needs of leases: look-ups from memory, by the token that a client sends. */
export interface LeaseLookup {
  /** The live lease with this token, looked up by its hash. Throws `LeaseUnknown` or `LeaseEnded`. */
  resolve(token: string): Lease;
  /** The role a lease stands for now: its own, or the default lease's while it follows; null: none chosen. */
  roleOf(lease: Lease): string | null;
  /** Throws `GuardRefused` where the role, as it is defined now, is not granted to the lease and would have to be. */
  requireGrant(lease: Lease, role: RoleCondition): void;
  /** Remembers that the lease was used now. */
  touch(lease: Lease): void;
}

interface Index {
  readonly byHash: ReadonlyMap<string, Lease>;
  readonly byName: ReadonlyMap<string, Lease>;
  readonly endedByHash: ReadonlyMap<string, EndedToken>;
  readonly endedById: ReadonlyMap<string, EndedToken>;
}

export interface LeaseStateOptions {
  /** `leases.json`. */
  readonly path: string;
  readonly writeAtomic: WriteAtomic;
  readonly clock: Clock;
  /** Called with every change that holds; awaited before the change is acknowledged. Never rejects. */
  readonly onChange: () => Promise<void>;
}

/** The leases in memory and in `leases.json`: one change at a time, look-ups from memory. */
export class LeaseState implements LeaseLookup {
  readonly #file: StateFile;
  readonly #clock: Clock;
  readonly #onChange: () => Promise<void>;
  #snapshot: LeaseSnapshot | undefined;
  #index = indexOf(EMPTY_SNAPSHOT);
  readonly #changes = new Mutex();
  /** A write failed: the file may lack an end that holds in memory, or have a change that was never acknowledged. */
  #unsaved = false;
  #saveProblem: string | undefined;
  /** Lease id → last use that the file does not know yet. */
  readonly #touches = new Map<string, number>();
  #touchedSince = 0;

  constructor({ path, writeAtomic, clock, onChange }: LeaseStateOptions) {
    this.#file = new StateFile({ path, writeAtomic, what: "leases" });
    this.#clock = clock;
    this.#onChange = onChange;
  }

  /** Answers the leases that an older version let `use` move, and this one pins: that is written with the next change. */
  async load(): Promise<readonly string[]> {
    const records = await this.#file.read(parseLeaseRecords);
    this.#apply(records ? snapshotOf(records) : EMPTY_SNAPSHOT);
    const pinnedNow = records?.pinnedNow ?? [];
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
    const current = this.present(this.snapshot.leases.get(lease.id) ?? lease);
    if (!current.followsDefault) return current.role;
    const followed = this.findNamed(DEFAULT_LEASE);
    return followed ? this.present(followed).role : null;
  }

  requireGrant(lease: Lease, { name, digest, guarded }: RoleCondition): void {
    const current = this.present(this.snapshot.leases.get(lease.id) ?? lease);
    const holder = current.followsDefault ? (this.findNamed(DEFAULT_LEASE) ?? current) : current;
    if (grantFor(holder, { role: name, digest }, this.#clock.now())) return;
    // Of a role without guard, what was granted is good for the role as it was shown.
    const wasGranted = holder.role === name && holder.grants?.some(({ role }) => role === name);
    if (guarded || wasGranted) throw grantMissing(current, name);
  }

  /** Also one that has expired and was not swept yet. */
  findNamed(name: string): Lease | undefined {
    return this.#loadedIndex.byName.get(name);
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
    const touched = this.#withTouches(snapshot);
    await this.#write(touched);
    this.#apply(touched);
    await this.#onChange();
  }

  /** For a change that takes access away: in force in memory at once, also when the write fails. */
  async applyThenSave(snapshot: LeaseSnapshot): Promise<void> {
    const touched = this.#withTouches(snapshot);
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

  get #loadedIndex(): Index {
    if (!this.#snapshot) throw leasesNotLoaded();
    return this.#index;
  }

  #live(lease: Lease): Lease {
    if (isExpired(lease, this.#clock.now())) throw leaseEnded({ label: labelOf(lease), kind: lease.kind });
    return this.present(lease);
  }

  #withTouches(snapshot: LeaseSnapshot): LeaseSnapshot {
    if (this.#touches.size === 0) return snapshot;
    const leases = new Map(snapshot.leases);
    for (const [id, lastUsedAt] of this.#touches) {
      const lease = leases.get(id);
      if (lease) leases.set(id, { ...lease, lastUsedAt });
    }
    return { ...snapshot, leases };
  }

  async #write(snapshot: LeaseSnapshot): Promise<void> {
    const written = new Map(this.#touches);
    this.#unsaved = true;
    try {
      await this.#file.write(renderLeaseRecords(recordsOf(snapshot)));
    } catch (error) {
      this.#saveProblem = toBrokerError(error).message;
      throw error;
    }
    this.#unsaved = false;
    this.#saveProblem = undefined;
    for (const [id, at] of written) if (this.#touches.get(id) === at) this.#touches.delete(id);
    this.#touchedSince = this.#clock.now();
  }

  #apply(snapshot: LeaseSnapshot): void {
    this.#snapshot = snapshot;
    this.#index = indexOf(snapshot);
  }
}

function indexOf({ leases, ended }: LeaseSnapshot): Index {
  const live = [...leases.values()];
  return {
    byHash: new Map(live.map((lease) => [lease.tokenHash, lease])),
    byName: new Map(live.flatMap((lease) => (lease.name === undefined ? [] : [[lease.name, lease] as const]))),
    endedByHash: new Map(ended.map((token) => [token.tokenHash, token])),
    endedById: new Map(ended.map((token) => [token.leaseId, token])),
  };
}
