import { isExpired, isNarrowable, type Lease, labelOf, leaseAt, ownScope, scopeField } from "../core/lease.js";
import { type LeaseScope, scopeOfBoth, widerField } from "../core/lease-scope.js";
import { isSameScope } from "../core/scope-digest.js";
import { changedMeanwhile, notNarrowable, notWithin, prolongs, widens } from "./lease-errors.js";
import type { LeaseSnapshot } from "./lease-snapshot.js";
import type { LeaseLookup } from "./lease-state.js";

/** What a lease is narrowed by, from now on. */
export interface Narrowing {
  /** As `checkedScope` answers it; absent: what it may do stays. */
  readonly scope?: LeaseScope;
  /** Epoch milliseconds; absent: its end stays. */
  readonly expiresAt?: number;
  /** The narrowed lease, its grants for what it has now. Throws where its role cannot be narrowed so. */
  readonly fit: (narrowed: Lease, former: Lease) => Lease;
}

/**
 * The lease with no more than before and no more than that, then each that its programs made and that has more. Throws `ScopeRefused`
 * where a part of it would be wider or no scope says it, and `UsageInvalid` for a lease that is not narrowable.
 */
export function narrowedFamily(
  snapshot: LeaseSnapshot,
  lease: Lease,
  { now, ...narrowing }: Narrowing & { readonly now: number },
): readonly [Lease, ...Lease[]] {
  requireNarrower(lease, narrowing);
  const made = madeFrom(snapshot, lease.id).filter((each) => !isExpired(each, now));
  const narrowed = made.flatMap((each) => {
    const before = leaseAt(each, now);
    const after = keptWithin(before, narrowing);
    return after === before ? [] : [after];
  });
  return [keptWithin(lease, narrowing), ...narrowed];
}

function requireNarrower(lease: Lease, { scope: wanted, expiresAt }: Narrowing): void {
  if (!isNarrowable(lease)) throw notNarrowable(lease);
  for (const own of [lease.scope, ownScope(lease)]) {
    const wider = own && wanted && widerField(own, wanted);
    if (wider !== undefined) throw widens(lease, own ?? {}, wider);
  }
  if ((expiresAt ?? 0) > (lease.expiresAt ?? Number.POSITIVE_INFINITY)) throw prolongs(lease);
}

/** What it has and that have in common, now and after a request's grant; the same object where it has no more already. */
function keptWithin(lease: Lease, { scope: wanted, expiresAt, fit }: Narrowing): Lease {
  const { scope: former, temporary, ...rest } = lease;
  const both = (own: LeaseScope | undefined): LeaseScope | undefined => (wanted ? withinBoth(lease, own, wanted) : own);
  const scope = both(former);
  const then = temporary?.thenScope === undefined ? {} : { thenScope: both(temporary.thenScope ?? undefined) ?? null };
  const narrowed: Lease = {
    ...rest,
    ...(temporary && { temporary: { ...temporary, ...then } }),
    ...scopeField(scope),
    expiresAt: earlier(expiresAt ?? null, lease.expiresAt),
  };
  return isSame(narrowed, lease) ? lease : fit(narrowed, lease);
}

function withinBoth(lease: Lease, own: LeaseScope | undefined, wanted: LeaseScope): LeaseScope {
  const scope = scopeOfBoth(own, wanted);
  if (!scope) throw notWithin(lease);
  return own && isSameScope(own, scope) ? own : scope;
}

function isSame(a: Lease, b: Lease): boolean {
  return a.expiresAt === b.expiresAt && isSameScope(a.scope, b.scope) && isSameScope(ownScope(a), ownScope(b));
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

/** The leases that programs of this one made, and those that programs of these made. */
function madeFrom({ leases }: LeaseSnapshot, id: string): readonly Lease[] {
  const children = [...leases.values()].filter(({ from }) => from !== undefined);
  const family = new Set([id]);
  // Those that are found are looked through as well.
  for (const parent of family) for (const { id: child, from } of children) if (from === parent) family.add(child);
  family.delete(id);
  return children.filter((lease) => family.has(lease.id));
}

/**
 * A lease is made by what its maker had when it was asked for. Throws `Conflict` where the maker has less by now: it was narrowed, or
 * what a request gave it has ended.
 */
export function requireNotNarrowed(before: Lease | undefined, leases: Pick<LeaseLookup, "byId">): void {
  if (!before) return;
  const now = leases.byId(before.id);
  const isOther = !isSameScope(before.scope, now.scope) || !isSameScope(ownScope(before), ownScope(now));
  const endsAt = ({ expiresAt }: Lease): number => expiresAt ?? Number.POSITIVE_INFINITY;
  if (isOther || endsAt(now) < endsAt(before)) throw changedMeanwhile(labelOf(now));
}
