import { createHash } from "node:crypto";
import type { LeaseScope } from "./lease-scope.js";
import { scopeDigest } from "./scope-digest.js";

/** Who asks the person, from the weakest to the strictest: the CLI at the terminal, brokerd in a dialog, brokerd for the passphrase. */
export const CONFIRMATIONS = ["terminal", "desktop", "passphrase"] as const;
export type Confirmation = (typeof CONFIRMATIONS)[number];

/** What a role asks for before anything gets it: its own conditions and those of the roles that it is chained from. */
export interface Guard {
  /** Absent: nothing is asked. */
  readonly confirm?: Confirmation;
  readonly reason: boolean;
  /** One yes is good for so long, and no lease on the role lasts longer. */
  readonly maxLeaseSeconds: number;
}

/** Of a guard that names none. */
export const DEFAULT_MAX_LEASE_SECONDS = 3600;
/** STS gives no session that ends sooner. */
const SHORTEST_SESSION_SECONDS = 900;

/** Both guards in one: the stricter of each condition. */
export function strictest(a: Guard | undefined, b: Guard | undefined): Guard | undefined {
  if (!a || !b) return a ?? b;
  const rank = ({ confirm }: Guard): number => (confirm === undefined ? -1 : CONFIRMATIONS.indexOf(confirm));
  const { confirm } = rank(a) >= rank(b) ? a : b;
  return {
    ...(confirm !== undefined && { confirm }),
    reason: a.reason || b.reason,
    maxLeaseSeconds: Math.min(a.maxLeaseSeconds, b.maxLeaseSeconds),
  };
}

/** How long the credentials of a role so guarded are asked for: AWS has a shortest session, so they may outlast the lease. */
export function sessionSeconds(wanted: number, guard: Guard | undefined): number {
  return guard ? Math.min(wanted, Math.max(SHORTEST_SESSION_SECONDS, guard.maxLeaseSeconds)) : wanted;
}

/**
 * SHA-256, hex, over what a person was shown of a role, and of what narrows it, when they said yes: another one needs another yes.
 */
export function grantDigest(role: GuardedRole, scope?: LeaseScope): string {
  const { digest, guard } = role;
  const shown = [digest, guard?.confirm ?? null, guard?.reason ?? null, guard?.maxLeaseSeconds ?? null];
  return createHash("sha256")
    .update(JSON.stringify(scope ? [...shown, scopeDigest(scope)] : shown))
    .digest("hex");
}

/** Which grants are good for a role narrowed so: one for just that, and one for all of the role. */
export function grantDigests(role: GuardedRole, scope: LeaseScope | undefined): readonly string[] {
  return scope ? [grantDigest(role, scope), grantDigest(role)] : [grantDigest(role)];
}

interface GuardedRole {
  readonly digest: string;
  readonly guard?: Guard;
}

/** What a role asks of the leases that have it. */
export interface RoleCondition {
  readonly name: string;
  /** {@link grantDigests} of the role as it is defined now. */
  readonly digests: readonly string[];
  /** No lease has it without a grant. */
  readonly guarded: boolean;
}

/** `role` is as it is defined; `scope` narrows it. */
export function conditionOf(role: GuardedRole & { readonly name: string }, scope?: LeaseScope): RoleCondition {
  return { name: role.name, digests: grantDigests(role, scope), guarded: role.guard !== undefined };
}

/** What of a role tells which role of AWS it yields. */
export interface YieldedRole {
  readonly guard?: Guard;
  readonly assume?: { readonly roleArn: string };
  readonly sso?: { readonly accountId: string; readonly roleName: string };
}

/**
 * The guard of a role that no entry of the config names (`SOURCE:ACCOUNT/ROLE`, a function's role): its own, and those of the
 * config's roles that yield the same role of AWS, so that none is reached around its guard by another name.
 */
export function guardOfUnnamed(role: YieldedRole, configured: Iterable<YieldedRole>): Guard | undefined {
  let guard = role.guard;
  for (const other of configured) if (other.guard && isSameAwsRole(role, other)) guard = strictest(guard, other.guard);
  return guard;
}

export function isSameAwsRole(a: YieldedRole, b: YieldedRole): boolean {
  if (a.assume && b.assume) return isSameName(a.assume.roleArn, b.assume.roleArn);
  return a.sso !== undefined && a.sso.accountId === b.sso?.accountId && isSameName(a.sso.roleName, b.sso.roleName);
}

/** Names of roles are unique in whatever case, so another case is no other role. */
function isSameName(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
