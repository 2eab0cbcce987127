import type { Lease } from "../core/lease.js";
import type { EndedToken, LeaseRecords } from "./lease-records.js";

/** How long an ended token is answered `LeaseEnded`; after that it is as unknown as any other. */
const ENDED_KEPT_MS = 24 * 60 * 60_000;
/** Every `credential-process` leaves an ended child lease; a tool that calls it in a loop must not fill the file. */
const MAX_ENDED_CHILDREN = 200;

/** All leases at one moment: an immutable value, replaced as a whole, so that a failed write changes nothing. */
export interface LeaseBook {
  /** Live ones by id. */
  readonly leases: ReadonlyMap<string, Lease>;
  readonly ended: readonly EndedToken[];
  readonly rotationDue: ReadonlySet<string>;
}

export const EMPTY_BOOK: LeaseBook = { leases: new Map(), ended: [], rotationDue: new Set() };

export function bookOf({ leases, ended, rotationDue }: LeaseRecords): LeaseBook {
  return { leases: new Map(leases.map((lease) => [lease.id, lease])), ended, rotationDue: new Set(rotationDue) };
}

export function recordsOf({ leases, ended, rotationDue }: LeaseBook): LeaseRecords {
  return { leases: [...leases.values()], ended, rotationDue: [...rotationDue] };
}

/** Adds a lease or replaces the one with its id. */
export function withLease(book: LeaseBook, lease: Lease): LeaseBook {
  return { ...book, leases: new Map(book.leases).set(lease.id, lease) };
}

/** Ends live leases: their tokens are refused from now on. */
export function withoutLeases(book: LeaseBook, ended: readonly Lease[], now: number): LeaseBook {
  const leases = new Map(book.leases);
  const rotationDue = new Set(book.rotationDue);
  for (const { id } of ended) {
    leases.delete(id);
    rotationDue.delete(id);
  }
  return { leases, rotationDue, ended: [...book.ended, ...ended.map((lease) => endedToken(lease, now))] };
}

/** Gives a lease another token; the old one is refused from now on. */
export function withToken(book: LeaseBook, lease: Lease, token: { readonly hash: string; now: number }): LeaseBook {
  const rotationDue = new Set(book.rotationDue);
  // The stand-in of a lease whose rotation is due was never anybody's: nothing to refuse.
  const standIn = rotationDue.delete(lease.id);
  return {
    ...withLease(book, { ...lease, tokenHash: token.hash }),
    ended: standIn ? book.ended : [...book.ended, endedToken(lease, token.now)],
    rotationDue,
  };
}

/** Burns a lease's token before the store can take the next one: `standIn` is the hash of a token that nobody has. */
export function withRotationDue(book: LeaseBook, lease: Lease, standIn: { hash: string; now: number }): LeaseBook {
  const burnt = withToken(book, lease, standIn);
  return { ...burnt, rotationDue: new Set(burnt.rotationDue).add(lease.id) };
}

/** Drops what has been ended for a day, and the oldest ended child leases beyond their number. The same book if none. */
export function withoutForgotten(book: LeaseBook, now: number): LeaseBook {
  let childrenToDrop = book.ended.filter(({ kind }) => kind === "child").length - MAX_ENDED_CHILDREN;
  const ended = book.ended.filter((token) => {
    const surplus = token.kind === "child" && childrenToDrop-- > 0;
    return !surplus && now < token.endedAt + ENDED_KEPT_MS;
  });
  return ended.length === book.ended.length ? book : { ...book, ended };
}

/** Its token is kept in the secret store, to be told again. */
export function isDurable(lease: Lease): boolean {
  return lease.kind !== "child";
}

export function labelOf(lease: Lease): string {
  return lease.name ?? lease.id;
}

function endedToken(lease: Lease, now: number): EndedToken {
  return {
    tokenHash: lease.tokenHash,
    leaseId: lease.id,
    kind: lease.kind,
    label: labelOf(lease),
    endedAt: now,
  };
}
