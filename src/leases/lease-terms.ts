import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import {
  fallenBack,
  type Grant,
  isInForce,
  isMovable,
  isNarrowable,
  type Lease,
  type LeaseHolder,
  type LeaseKind,
  labelOf,
  ownScope,
  roleFields,
  scopeField,
} from "../core/lease.js";
import type { LeaseScope } from "../core/lease-scope.js";
import { NAME_PATTERN } from "../core/role.js";
import { isSameScope, scopeDigest } from "../core/scope-digest.js";
import type { Secret } from "../core/secret.js";
import { endInThePast, holderFixed, nameInvalid, roleInvalid, rolePinned, tooManyLeases } from "./lease-errors.js";

/** Name and id of the default lease: with a fixed id its token is found again even when `leases.json` is lost. */
export const DEFAULT_LEASE = "default";

/** Of the lease of `env ROLE`: no other lease's name has a colon, and no role's a `#`. */
export function pinnedName(role: string, scope?: LeaseScope): string {
  return scope ? `role:${role}#${scopeDigest(scope).slice(0, 12)}` : `role:${role}`;
}

/** A shell start file in a loop must not fill the disk; each change writes the whole file, 300 bytes a lease. */
export const MAX_LEASES = 20_000;
/** Of these, kept for leases that end with a program (`exec`, `credential-process`): named leases must not take their place. */
export const RESERVED_FOR_CHILDREN = 2000;

const MAX_ROLE = 1024;
/** Of one lease: the roles that its user has said yes to lately. */
const MAX_GRANTS = 20;

/** What a lease is made from. */
export interface LeaseTerms {
  readonly kind: LeaseKind;
  readonly name?: string;
  /** null: follows the default lease (for the default lease itself: none chosen yet). */
  readonly role: string | null;
  readonly holder?: LeaseHolder;
  /** Epoch milliseconds; null: until it is revoked or its holder has exited. */
  readonly expiresAt: number | null;
  /** What the lease has beside its role, where it is made like another one. */
  readonly pinned?: true;
  readonly scope?: LeaseScope;
  readonly grants?: readonly Grant[];
  readonly temporary?: NonNullable<Lease["temporary"]>;
  /** Where it is served too, by a unix socket of its own. */
  readonly socket?: string;
  /** The lease of the program that has it made, as it was when that asked. */
  readonly madeBy?: Lease | undefined;
}

export type NamedLeaseTerms = Omit<LeaseTerms, "kind" | "holder" | "temporary"> & Required<Pick<LeaseTerms, "name">>;

export type ChildLeaseTerms = Omit<LeaseTerms, "kind" | "name"> & Required<Pick<LeaseTerms, "holder">>;

/** Of the lease of `env ROLE`. */
export interface PinnedTerms {
  readonly grant?: Grant;
  readonly scope?: LeaseScope;
  /** Epoch milliseconds; absent: it has no end. */
  readonly expiresAt?: number;
  /** The lease of the program that asks, as it was then. */
  readonly madeBy?: Lease | undefined;
}

/** A lease and its token. */
export interface LeaseWithToken {
  readonly lease: Lease;
  readonly token: Secret;
}

/** A `use`: null means none chosen for the default lease, and to follow the default lease for every other. */
export interface RoleChoice {
  readonly role: string | null;
  /** Epoch milliseconds at which the lease falls back to what it had; null: never. */
  readonly until?: number | null | undefined;
  /** What lets the lease have a guarded role. */
  readonly grant?: Grant | undefined;
  /** What a request was given, until then; null: all of the role. undefined: what narrows the lease for good. */
  readonly scope?: LeaseScope | null | undefined;
  /** `lease set`: the one who may, moves a pinned lease as well; it stays pinned. */
  readonly evenPinned?: boolean;
}

/** The lease of these terms; rejected are those that could not be saved and read again, or have ended already. */
export function newLease({ madeBy, ...terms }: LeaseTerms, tokenHash: string, now: number): Lease {
  checkRole(terms.role);
  checkEnd(terms.expiresAt, now);
  return {
    id: terms.kind === "default" ? DEFAULT_LEASE : randomBytes(9).toString("base64url"),
    ...terms,
    ...(madeBy && isNarrowable(madeBy) && isNarrowable(terms) && { from: madeBy.id }),
    tokenHash,
    followsDefault: terms.kind !== "default" && terms.role === null,
    createdAt: now,
    lastUsedAt: null,
  };
}

/** The lease after a `use`, given as it stands now. A lease that is made for one role keeps it. */
export function movedLease(lease: Lease, choice: RoleChoice, now: number): Lease {
  const { role, until, grant, evenPinned = false } = choice;
  if (!evenPinned && !isMovable(lease)) throw rolePinned(lease);
  checkRole(role);
  checkEnd(until, now);
  const { temporary, grants, scope: former, ...rest } = lease;
  const { scope, thenScope } = movedScope(ownScope({ scope: former, temporary }), choice.scope);
  // What is left is given back: a yes to the role before does not wait for the lease to return.
  const kept = (grants ?? []).filter((one) => one.role === role && isInForce(one, now));
  // Stacked `--for`s fall back to what stood before the first: the ones between were chosen for a time only.
  const thenRole = temporary ? temporary.thenRole : lease.role;
  return {
    ...rest,
    ...roleFields(lease, role),
    // Choosing the same role twice must not lose the way back.
    ...(role === lease.role ? {} : { previousRole: lease.role }),
    ...(typeof until !== "number" ? {} : { temporary: { until, thenRole, ...thenScope } }),
    ...scopeField(scope),
    ...grantsField(grant ? [...kept, grant] : kept),
  };
}

/** What narrows a lease after a `use`, and what does when that falls back, where it is not the same. */
function movedScope(
  own: LeaseScope | undefined,
  chosen: RoleChoice["scope"],
): { readonly scope: LeaseScope | undefined; readonly thenScope: Pick<NonNullable<Lease["temporary"]>, "thenScope"> } {
  const scope = chosen === undefined ? own : (chosen ?? undefined);
  return { scope, thenScope: scope === own || isSameScope(scope, own) ? {} : { thenScope: own ?? null } };
}

/** The lease with one grant more, at the role it has. */
export function grantedLease(lease: Lease, grant: Grant, now: number): Lease {
  const { grants = [], ...rest } = lease;
  const others = grants.filter(
    (one) => isInForce(one, now) && !(one.role === grant.role && one.digest === grant.digest),
  );
  return { ...rest, ...grantsField([...others, grant].slice(-MAX_GRANTS)) };
}

/** The lease without these grants, back at the role it had before where it stands on one of them; the same if it has none. */
export function withoutGrants(lease: Lease, isTaken: (grant: Grant) => boolean): Lease {
  const taken = (lease.grants ?? []).filter(isTaken);
  if (taken.length === 0) return lease;
  const stands = lease.temporary !== undefined && taken.some(({ role }) => role === lease.role);
  const { grants, ...rest } = stands ? fallenBack(lease) : lease;
  return { ...rest, ...grantsField((grants ?? []).filter((one) => !isTaken(one))) };
}

/**
 * The lease after the clock was set back by `ms`: what was given for a time lasts no longer for it. The ends that are a
 * grant's move with it; those that the user chose stay what they say.
 */
export function setBack(lease: Lease, ms: number): Lease {
  const { grants = [], temporary, expiresAt } = lease;
  if (grants.length === 0) return lease;
  const ends = new Set(grants.map(({ until }) => until));
  const earlier = (instant: number): number => Math.max(0, instant - ms);
  return {
    ...lease,
    grants: grants.map((grant) => ({ ...grant, grantedAt: earlier(grant.grantedAt), until: earlier(grant.until) })),
    ...(temporary && ends.has(temporary.until) && { temporary: { ...temporary, until: earlier(temporary.until) } }),
    expiresAt: expiresAt !== null && ends.has(expiresAt) ? earlier(expiresAt) : expiresAt,
  };
}

/** The lease with its roles under the names that they have now; the same if none of them has another. */
export function withRolesRenamed(lease: Lease, rename: (role: string) => string): Lease {
  const named = (role: string | null): string | null => (role === null ? null : rename(role));
  const { role, temporary, previousRole, grants, name, scope } = lease;
  const renamed: Lease = {
    ...lease,
    role: named(role),
    ...(temporary && { temporary: { ...temporary, thenRole: named(temporary.thenRole) } }),
    ...(previousRole !== undefined && { previousRole: named(previousRole) }),
    ...(grants && { grants: grants.map((grant) => ({ ...grant, role: rename(grant.role) })) }),
    ...(role !== null && name === pinnedName(role, scope) && { name: pinnedName(rename(role), scope) }),
  };
  return isDeepStrictEqual(renamed, lease) ? lease : renamed;
}

function grantsField(grants: readonly Grant[]): Pick<Lease, "grants"> {
  return grants.length === 0 ? {} : { grants };
}

/** The lease that ends with another process from now on. */
export function handedOver(lease: Lease, holder: LeaseHolder): Lease {
  if (lease.kind !== "child") throw holderFixed(labelOf(lease));
  return { ...lease, holder };
}

/** Whether the secret store keeps its token, so that it can be shown again. */
export function isDurable(lease: Lease): boolean {
  return lease.kind !== "child";
}

/** As the names of roles (`NAME_PATTERN`); `default` and names with a colon are reserved. */
export function checkLeaseName(name: string): void {
  if (!NAME_PATTERN.test(name) || name === DEFAULT_LEASE) throw nameInvalid(name);
}

/** Refuses a lease beyond the limit, but never the default lease: nothing works without it. */
export function checkSpace(leases: ReadonlyMap<string, Lease>, kind: LeaseKind): void {
  const isFull = leases.size >= MAX_LEASES - (kind === "child" ? 0 : RESERVED_FOR_CHILDREN);
  if (isFull && kind !== "default") throw tooManyLeases([...leases.values()]);
}

/** For every kind of role (`lambda:FUNCTION`, `SOURCE:ACCOUNT/ROLE` too): what is saved must be readable again. */
function checkRole(role: string | null): void {
  if (role !== null && (role.length === 0 || role.length > MAX_ROLE)) throw roleInvalid(MAX_ROLE);
}

function checkEnd(end: number | null | undefined, now: number): void {
  if (end !== null && end !== undefined && !(Number.isSafeInteger(end) && end > now)) throw endInThePast();
}
