import { isExpired, type Lease, leaseAt } from "../core/lease.js";
import type { ProcessTable } from "../system/process-identity.js";
import { type LeaseBook, withLease, withoutForgotten, withoutLeases } from "./lease-book.js";

interface EndedLease {
  readonly lease: Lease;
  readonly why: "expired" | "holder gone";
}

export interface Sweep {
  /** The same object if nothing changed. */
  readonly book: LeaseBook;
  readonly ended: readonly EndedLease[];
}

/** Ends what has run out or lost its process, lets `use --for` fall back, forgets what ended long ago. */
export function sweepLeases(book: LeaseBook, now: number, processes: ProcessTable): Sweep {
  const ended: EndedLease[] = [];
  let swept = book;
  for (const lease of book.leases.values()) {
    const why = reasonToEnd(lease, now, processes);
    if (why) ended.push({ lease, why });
    else if (leaseAt(lease, now) !== lease) swept = withLease(swept, leaseAt(lease, now));
  }
  if (ended.length > 0) {
    const leases = ended.map(({ lease }) => lease);
    swept = withoutLeases(swept, leases, now);
  }
  return { book: withoutForgotten(swept, now), ended };
}

function reasonToEnd(lease: Lease, now: number, processes: ProcessTable): EndedLease["why"] | undefined {
  if (isExpired(lease, now)) return "expired";
  if (lease.holder && processes.startTimeOf(lease.holder.pid) !== lease.holder.startTime) return "holder gone";
  return undefined;
}
