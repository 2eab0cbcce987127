import { randomBytes } from "node:crypto";
import { type Lease, type LeaseHolder, type LeaseKind, roleFields } from "../core/lease.js";
import { NAME_PATTERN } from "../core/role.js";
import type { Secret } from "../core/secret.js";
import { endInThePast, holderFixed, nameInvalid, roleInvalid, rolePinned, tooManyLeases } from "./lease-errors.js";

/** Name and id of the default lease: with a fixed id its token is found again even when `leases.json` is lost. */
export const DEFAULT_LEASE = "default";

/** A shell start file in a loop must not fill the disk; each change writes the whole file. */
const MAX_LEASES = 2000;
/** Of these, kept for leases that end with a program (`exec`, `credential-process`): named leases must not take their place. */
const RESERVED_FOR_CHILDREN = 200;

const MAX_ROLE = 1024;

/** What a lease is made from. */
export interface LeaseTerms {
  readonly kind: LeaseKind;
  readonly name?: string;
  /** null: follows the default lease (for the default lease itself: none chosen yet). */
  readonly role: string | null;
  readonly holder?: LeaseHolder;
  /** Epoch milliseconds; null: until it is revoked or its holder has exited. */
  readonly expiresAt: number | null;
}

export interface NamedLeaseTerms {
  readonly name: string;
  /** null: follows the default lease. */
  readonly role: string | null;
  /** Epoch milliseconds; null: until it is revoked. */
  readonly expiresAt: number | null;
}

export interface ChildLeaseTerms {
  /** null: follows the default lease. */
  readonly role: string | null;
  readonly holder: LeaseHolder;
  /** Epoch milliseconds; null: until its holder has exited. */
  readonly expiresAt: number | null;
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
}

/** The lease of these terms; rejected are those that could not be saved and read again, or have ended already. */
export function newLease(terms: LeaseTerms, tokenHash: string, now: number): Lease {
  checkRole(terms.role);
  checkEnd(terms.expiresAt, now);
  return {
    id: terms.kind === "default" ? DEFAULT_LEASE : randomBytes(9).toString("base64url"),
    ...terms,
    tokenHash,
    followsDefault: terms.kind !== "default" && terms.role === null,
    createdAt: now,
    lastUsedAt: null,
  };
}

/** The lease after a `use`, given as it stands now. A lease that is made for one role keeps it. */
export function movedLease(lease: Lease, { role, until }: RoleChoice, now: number): Lease {
  if (lease.kind === "pinned") throw rolePinned(labelOf(lease));
  checkRole(role);
  checkEnd(until, now);
  const { temporary, ...rest } = lease;
  // Stacked `--for`s fall back to what stood before the first: the ones between were chosen for a time only.
  const thenRole = temporary ? temporary.thenRole : lease.role;
  return {
    ...rest,
    ...roleFields(lease, role),
    // Choosing the same role twice must not lose the way back.
    ...(role === lease.role ? {} : { previousRole: lease.role }),
    ...(typeof until !== "number" ? {} : { temporary: { until, thenRole } }),
  };
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

export function labelOf(lease: Lease): string {
  return lease.name ?? lease.id;
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
