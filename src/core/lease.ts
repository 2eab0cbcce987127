import { createHash, randomBytes } from "node:crypto";
import { Secret } from "./secret.js";

/** `brk_` and 32 random bytes as base64url. */
export const LEASE_TOKEN_PATTERN = /^brk_[A-Za-z0-9_-]{43}$/;

/**
 * default: follows `brokerctl use`. named: made by `lease create`. pinned: made by `env ROLE`, one per role.
 * child: ends with its holder (`exec`, a shell, a 60 s fetch); kept by hash only.
 */
export type LeaseKind = "default" | "named" | "pinned" | "child";

/** The process a child lease ends with: a pid alone may be another process's tomorrow. */
export interface LeaseHolder {
  readonly pid: number;
  /** Opaque; equal for the same process, see system/process-identity. */
  readonly startTime: string;
}

/** That a lease may have one role for a time: a person's yes to the role's guard, or what was given to a request. */
export interface Grant {
  readonly role: string;
  /** Of the role as it was shown (core/guard): another one needs another grant. */
  readonly digest: string;
  readonly grantedAt: number;
  readonly until: number;
  /** The request that it answers; absent: the yes was said where the role was asked for. */
  readonly request?: string;
}

/** A lease as it is stored and listed: never the token, only its hash. */
export interface Lease {
  readonly id: string;
  readonly kind: LeaseKind;
  /** `default`, the user's name, `role:NAME` for pinned ones; child leases have none. */
  readonly name?: string;
  /** SHA-256 of the token, hex. */
  readonly tokenHash: string;
  /** Config name of the role; null: none chosen, or the default lease's while `followsDefault`. */
  readonly role: string | null;
  /** True while this lease takes its role from the default lease. */
  readonly followsDefault: boolean;
  /** `use --for`: at `until` (epoch ms) the role becomes `thenRole`. */
  readonly temporary?: { readonly until: number; readonly thenRole: string | null };
  /** For `use -`. */
  readonly previousRole?: string | null;
  /** Made with a role that it keeps: `use` does not move it. One of `env ROLE` is pinned by its kind. */
  readonly pinned?: true;
  /** In force, or just over. */
  readonly grants?: readonly Grant[];
  readonly holder?: LeaseHolder;
  readonly createdAt: number;
  readonly expiresAt: number | null;
  readonly lastUsedAt: number | null;
  /** Set when it ended or was revoked: the token is then answered `LeaseEnded`, not `LeaseUnknown`. */
  readonly endedAt?: number;
}

/** Which lease an operation is about: the caller's own token, a name, an id, or the default lease. */
export type LeaseSelector =
  | { readonly by: "default" }
  | { readonly by: "name"; readonly name: string }
  | { readonly by: "token"; readonly token: string }
  | { readonly by: "id"; readonly id: string };

export function isExpired({ expiresAt }: Lease, now: number): boolean {
  return expiresAt !== null && now >= expiresAt;
}

/** The lease as it stands at `now`: a `use --for` that has run out has fallen back. The same object if not. */
export function leaseAt(lease: Lease, now: number): Lease {
  const { temporary, ...rest } = lease;
  if (!temporary || now < temporary.until) return lease;
  return { ...rest, ...roleFields(lease, temporary.thenRole), previousRole: lease.role };
}

/** What a lease's choice of a role sets: null means none for the default lease, and to follow it for every other. */
export function roleFields(lease: Lease, role: string | null): Pick<Lease, "role" | "followsDefault"> {
  return { role, followsDefault: lease.kind !== "default" && role === null };
}

export function isMovable({ kind, pinned }: Lease): boolean {
  return kind !== "pinned" && pinned !== true;
}

/** A clock that was set back by more than this does not prolong what was granted after the moment it shows now. */
const CLOCK_SLACK_MS = 60_000;

/** The grant by which the lease may have this role now, as it is defined now. */
export function grantFor(
  { grants = [] }: Pick<Lease, "grants">,
  { role, digest }: Pick<Grant, "role" | "digest">,
  now: number,
): Grant | undefined {
  return grants.find((grant) => grant.role === role && grant.digest === digest && isInForce(grant, now));
}

export function isInForce({ grantedAt, until }: Grant, now: number): boolean {
  return now < until && now >= grantedAt - CLOCK_SLACK_MS;
}

/** A new secret of 256 random bits, as the `brk_` text that clients send. */
export function newLeaseToken(): Secret {
  return new Secret(`brk_${randomBytes(32).toString("base64url")}`);
}

/** Tokens are looked up by hash, so that no comparison ever runs over the secret itself. */
export function hashLeaseToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
