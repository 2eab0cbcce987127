import type { StatusView } from "../../control-api/contract.js";
import type { LeaseView } from "../../control-api/lease-contract.js";

/** A guarded role that a lease has now. */
export interface GuardedLive {
  readonly role: string;
  readonly leases: readonly LeaseView[];
  /** When the last of them gives it back; null: one has no end. */
  readonly until: number | null;
}

/** By role, what ends last first. */
export function guardedLive(
  { roles, leases }: Pick<StatusView, "roles" | "leases">,
  now: number,
): readonly GuardedLive[] {
  const guarded = new Set(roles.filter(({ guard }) => guard !== null).map(({ name }) => name));
  const found = new Map<string, LeaseView[]>();
  for (const lease of leases) {
    const { role } = lease;
    if (role === null || !guarded.has(role) || (endOf(lease) ?? Number.POSITIVE_INFINITY) <= now) continue;
    const having = found.get(role);
    if (having) having.push(lease);
    else found.set(role, [lease]);
  }
  return [...found].map(([role, having]) => {
    const ends = having.map(endOf);
    return { role, leases: having, until: ends.includes(null) ? null : Math.max(...ends.map(Number)) };
  });
}

/** What ends first of the lease's own end, its grant and what it has for a time. */
function endOf({ grant, temporary, expiresAt }: LeaseView): number | null {
  const ends = [grant?.until, temporary?.until, expiresAt].filter((each): each is number => typeof each === "number");
  return ends.length === 0 ? null : Math.min(...ends);
}
