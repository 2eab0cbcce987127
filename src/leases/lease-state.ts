import { hashLeaseToken, isExpired, type Lease, leaseAt } from "../core/lease.js";
import { Mutex } from "../core/serial.js";
import type { Clock } from "../system/clock.js";
import { bookOf, EMPTY_BOOK, type LeaseBook, labelOf, recordsOf } from "./lease-book.js";
import { defaultLeaseMissing, leaseEnded, leaseNotFound, leasesNotLoaded, leaseUnknown } from "./lease-errors.js";
import type { EndedToken } from "./lease-records.js";
import type { LeaseStore } from "./lease-store.js";
import { DEFAULT_LEASE } from "./new-lease.js";

/** That a lease was used is worth a write of its own only once a minute. */
const TOUCH_WRITE_MS = 60_000;

/** What the endpoint needs of leases: look-ups from memory, by the token that a client sends. */
export interface LeaseLookup {
  /** The live lease with this token, looked up by its hash. Throws `LeaseUnknown` or `LeaseEnded`. */
  resolve(token: string): Lease;
  /** The role a lease stands for now: its own, or the default lease's while it follows; null: none chosen. */
  roleOf(lease: Lease): string | null;
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
  readonly store: LeaseStore;
  readonly clock: Clock;
  /** Called with every change that holds; awaited before the change is acknowledged. Never rejects. */
  readonly onChange: () => Promise<void>;
}

/** The leases in memory and on disk: one change at a time, look-ups from memory. */
export class LeaseState implements LeaseLookup {
  readonly #store: LeaseStore;
  readonly #clock: Clock;
  readonly #onChange: () => Promise<void>;
  #book: LeaseBook | undefined;
  #index = indexOf(EMPTY_BOOK);
  readonly #changes = new Mutex();
  /** A write failed: the file may lack an end that holds in memory, or have a grant that was never acknowledged. */
  #unsaved = false;
  /** Lease id → last use that the file does not know yet. */
  readonly #touches = new Map<string, number>();
  #touchedSince = 0;

  constructor({ store, clock, onChange }: LeaseStateOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#onChange = onChange;
  }

  async load(): Promise<void> {
    const records = await this.#store.read();
    this.#apply(records ? bookOf(records) : EMPTY_BOOK);
  }

  get loaded(): boolean {
    return this.#book !== undefined;
  }

  /** Nothing is looked up in, or written over, leases that could not be read. */
  get book(): LeaseBook {
    if (!this.#book) throw leasesNotLoaded();
    return this.#book;
  }

  /** This and the look-ups below give the live lease as it stands now, or throw what its user should see. */
  resolve(token: string): Lease {
    const tokenHash = hashLeaseToken(token);
    const lease = this.#loadedIndex.byHash.get(tokenHash);
    if (lease) return this.#live(lease);
    const ended = this.#loadedIndex.endedByHash.get(tokenHash);
    throw ended ? leaseEnded(ended) : leaseUnknown();
  }

  byId(id: string): Lease {
    const lease = this.book.leases.get(id);
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
    const current = this.present(this.book.leases.get(lease.id) ?? lease);
    if (!current.followsDefault) return current.role;
    const followed = this.findNamed(DEFAULT_LEASE);
    return followed ? this.present(followed).role : null;
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

  /** For what gives rights: durable first, so that nothing is promised that a crash would take back. */
  async grant(book: LeaseBook): Promise<void> {
    const touched = this.#withTouches(book);
    await this.#write(touched);
    this.#apply(touched);
    await this.#onChange();
  }

  /** For what takes rights away: holds in memory at once, whatever becomes of the write. */
  async withdraw(book: LeaseBook): Promise<void> {
    const touched = this.#withTouches(book);
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

  /** Something is worth writing although no lease changes: a failed write, or uses of a minute ago. */
  get writeDue(): boolean {
    // Math.abs: when the clock was set back, the wait would be as long as the jump.
    const waited = Math.abs(this.#clock.now() - this.#touchedSince);
    return this.#unsaved || (this.#touches.size > 0 && waited >= TOUCH_WRITE_MS);
  }

  get writePending(): boolean {
    return this.#unsaved || this.#touches.size > 0;
  }

  get #loadedIndex(): Index {
    if (!this.#book) throw leasesNotLoaded();
    return this.#index;
  }

  #live(lease: Lease): Lease {
    if (isExpired(lease, this.#clock.now())) throw leaseEnded({ label: labelOf(lease), kind: lease.kind });
    return this.present(lease);
  }

  #withTouches(book: LeaseBook): LeaseBook {
    if (this.#touches.size === 0) return book;
    const leases = new Map(book.leases);
    for (const [id, lastUsedAt] of this.#touches) {
      const lease = leases.get(id);
      if (lease) leases.set(id, { ...lease, lastUsedAt });
    }
    return { ...book, leases };
  }

  async #write(book: LeaseBook): Promise<void> {
    const written = new Map(this.#touches);
    this.#unsaved = true;
    await this.#store.write(recordsOf(book));
    this.#unsaved = false;
    for (const [id, at] of written) if (this.#touches.get(id) === at) this.#touches.delete(id);
    this.#touchedSince = this.#clock.now();
  }

  #apply(book: LeaseBook): void {
    this.#book = book;
    this.#index = indexOf(book);
  }
}

function indexOf({ leases, ended }: LeaseBook): Index {
  const live = [...leases.values()];
  return {
    byHash: new Map(live.map((lease) => [lease.tokenHash, lease])),
    byName: new Map(live.flatMap((lease) => (lease.name === undefined ? [] : [[lease.name, lease] as const]))),
    endedByHash: new Map(ended.map((token) => [token.tokenHash, token])),
    endedById: new Map(ended.map((token) => [token.leaseId, token])),
  };
}
