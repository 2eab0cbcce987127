import { type Grant, isExpired, type Lease, leaseAt } from "../core/lease.js";
import type { ProcessTable } from "../system/process-identity.js";
import type { EndedToken, LeaseRecords } from "./lease-records.js";
import { labelOf, withoutGrants } from "./lease-terms.js";

/** How long an ended token is answered `LeaseEnded`; after that it is as unknown as any other. */
const ENDED_KEPT_MS = 24 * 60 * 60_000;
/** Every `credential-process` leaves an ended child lease; a tool that calls it in a loop must not fill the file. */
const MAX_ENDED_CHILDREN = 200;

/** All leases at one moment: an immutable value, replaced as a whole, so that a failed write changes nothing. */
export interface LeaseSnapshot {
  /** Live ones by id. */
  readonly leases: ReadonlyMap<string, Lease>;
  readonly ended: readonly EndedToken[];
  readonly rotationDue: ReadonlySet<string>;
}

export const EMPTY_SNAPSHOT: LeaseSnapshot = { leases: new Map(), ended: [], rotationDue: new Set() };

export function snapshotOf({ leases, ended, rotationDue }: LeaseRecords): LeaseSnapshot {
  return { leases: new Map(leases.map((lease) => [lease.id, lease])), ended, rotationDue: new Set(rotationDue) };
}

export function recordsOf({ leases, ended, rotationDue }: LeaseSnapshot): LeaseRecords {
  return { leases: [...leases.values()], ended, rotationDue: [...rotationDue] };
}

/** Adds a lease or replaces the one with its id. */
export function withLease(snapshot: LeaseSnapshot, lease: Lease): LeaseSnapshot {
  return { ...snapshot, leases: new Map(snapshot.leases).set(lease.id, lease) };
}

/** Ends live leases: their tokens are refused from now on. */
export function withoutLeases(snapshot: LeaseSnapshot, ended: readonly Lease[], now: number): LeaseSnapshot {
  const leases = new Map(snapshot.leases);
  const rotationDue = new Set(snapshot.rotationDue);
  for (const { id } of ended) {
    leases.delete(id);
    rotationDue.delete(id);
  }
  return { leases, rotationDue, ended: [...snapshot.ended, ...ended.map((lease) => endedToken(lease, now))] };
}

/** Gives a lease another token; the old one is refused from now on. */
export function withToken(
  snapshot: LeaseSnapshot,
  lease: Lease,
  token: { readonly hash: string; now: number },
): LeaseSnapshot {
  const rotationDue = new Set(snapshot.rotationDue);
  // The placeholder of a lease whose rotation is due was never given out: there is no old token to refuse.
  const hadPlaceholder = rotationDue.delete(lease.id);
  return {
    ...withLease(snapshot, { ...lease, tokenHash: token.hash }),
    ended: hadPlaceholder ? snapshot.ended : [...snapshot.ended, endedToken(lease, token.now)],
    rotationDue,
  };
}

/** Revokes a lease's token before the secret store can take the next one: `placeholder` is the hash of a token never given out. */
export function withRotationDue(
  snapshot: LeaseSnapshot,
  lease: Lease,
  placeholder: { readonly hash: string; now: number },
): LeaseSnapshot {
  const revoked = withToken(snapshot, lease, placeholder);
  return { ...revoked, rotationDue: new Set(revoked.rotationDue).add(lease.id) };
}

interface EndedLease {
  readonly lease: Lease;
  readonly why: "expired" | "holder gone";
}

interface EndedGrant {
  readonly lease: Lease;
  readonly grant: Grant;
}

export interface Sweep {
  /** The same object if nothing changed. */
  readonly snapshot: LeaseSnapshot;
  readonly ended: readonly EndedLease[];
  /** Of leases that go on. */
  readonly endedGrants: readonly EndedGrant[];
}

/** Ends leases that have expired or lost their process, lets `use --for` fall back, drops tokens that ended long ago. */
export function sweepLeases(snapshot: LeaseSnapshot, now: number, processes: ProcessTable): Sweep {
  const ended: EndedLease[] = [];
  const endedGrants: EndedGrant[] = [];
  let swept = snapshot;
  for (const lease of snapshot.leases.values()) {
    const why = reasonToEnd(lease, now, processes);
    if (why) {
      ended.push({ lease, why });
    } else if (settled(lease, now) !== lease) {
      swept = withLease(swept, settled(lease, now));
      for (const grant of lease.grants ?? []) if (isOver(grant, now)) endedGrants.push({ lease, grant });
    }
  }
  if (ended.length > 0) {
    const leases = ended.map(({ lease }) => lease);
    swept = withoutLeases(swept, leases, now);
  }
  return { snapshot: withoutForgotten(swept, now), ended, endedGrants };
}

/** As it stands now, without grants that are over. */
function settled(lease: Lease, now: number): Lease {
  return withoutGrants(leaseAt(lease, now), (grant) => isOver(grant, now));
}

function isOver({ until }: Grant, now: number): boolean {
  return now >= until;
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

function reasonToEnd(lease: Lease, now: number, processes: ProcessTable): EndedLease["why"] | undefined {
  if (isExpired(lease, now)) return "expired";
  if (lease.holder && processes.startTimeOf(lease.holder.pid) !== lease.holder.startTime) return "holder gone";
  return undefined;
}

/** Drops what has been ended for a day, and the oldest ended child leases beyond their limit. The same object if none. */
function withoutForgotten(snapshot: LeaseSnapshot, now: number): LeaseSnapshot {
  let childrenToDrop = snapshot.ended.filter(({ kind }) => kind === "child").length - MAX_ENDED_CHILDREN;
  const ended = snapshot.ended.filter((token) => {
    const surplus = token.kind === "child" && childrenToDrop-- > 0;
    return !surplus && now < token.endedAt + ENDED_KEPT_MS;
  });
  return ended.length === snapshot.ended.length ? snapshot : { ...snapshot, ended };
}
