import { createHash, randomBytes } from "node:crypto";
import type { LeaseScope } from "./lease-scope.js";
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
  /** Of the role as it was shown (core/guard), and of what narrows it: another one needs another grant. */
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
  /** How what it gives is narrower than its role; of the default lease never. It goes with the lease to every role. */
  readonly scope?: LeaseScope;
  /**
   * `use --for`, or what was given to a request: at `until` (epoch ms) the role becomes `thenRole`. `thenScope`, where a request gave
   * another scope: what it becomes again; null: none.
   */
  readonly temporary?: {
    readonly until: number;
    readonly thenRole: string | null;
    readonly thenScope?: LeaseScope | null;
  };
  /** For `use -`. */
  readonly previousRole?: string | null;
  /** Made with a role that it keeps: `use` does not move it. One of `env ROLE` is pinned by its kind. */
  readonly pinned?: true;
  /** In force, or just over. */
  readonly grants?: readonly Grant[];
  readonly holder?: LeaseHolder;
  /** The id of the lease whose programs made it: what narrows that one narrows this one, too. */
  readonly from?: string;
  /** Absolute path of the unix socket that serves this lease and nothing else. */
  readonly socket?: string;
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

/** What a shell's variables can hold: its own lease, else it has the default one. */
export type ShellLease = Extract<LeaseSelector, { readonly by: "token" | "default" }>;

/** What a person calls it by. */
export function labelOf({ name, id }: Pick<Lease, "name" | "id">): string {
  return name ?? id;
}

export function isExpired({ expiresAt }: Lease, now: number): boolean {
  return expiresAt !== null && now >= expiresAt;
}

/** The lease as it stands at `now`: a `use --for` that has run out has fallen back. The same object if not. */
export function leaseAt(lease: Lease, now: number): Lease {
  return lease.temporary && now >= lease.temporary.until ? fallenBack(lease) : lease;
}

/** As it was before what it has for a time. */
export function fallenBack(lease: Lease): Lease {
  const { temporary, scope, ...rest } = lease;
  if (!temporary) return lease;
  const previous = lease.role === temporary.thenRole ? {} : { previousRole: lease.role };
  return {
    ...rest,
    ...roleFields(lease, temporary.thenRole),
    ...previous,
    ...scopeField(ownScope({ scope, temporary })),
  };
}

type Narrowing = { readonly [Field in "scope" | "temporary"]?: Lease[Field] | undefined };

/** What narrows the lease for good: not what a request gave it for a time. */
export function ownScope({ scope, temporary }: Narrowing): LeaseScope | undefined {
  return temporary?.thenScope === undefined ? scope : (temporary.thenScope ?? undefined);
}

export function scopeField(scope: LeaseScope | undefined): Pick<Lease, "scope"> {
  return scope ? { scope } : {};
}

/** What a lease's choice of a role sets: null means none for the default lease, and to follow it for every other. */
export function roleFields(lease: Lease, role: string | null): Pick<Lease, "role" | "followsDefault"> {
  return { role, followsDefault: lease.kind !== "default" && role === null };
}

export function isMovable({ kind, pinned }: Lease): boolean {
  return kind !== "pinned" && pinned !== true;
}

/** Whether it can be narrowed: every program has the default lease, and that of `env ROLE` is one for a role and scope. */
export function isNarrowable({ kind }: Pick<Lease, "kind">): boolean {
  return kind === "named" || kind === "child";
}

/** A clock that was set back by more than this does not prolong what was granted after the moment it shows now. */
const CLOCK_SLACK_MS = 60_000;

/** The grant by which the lease may have this role now, as it is defined now: one for any of the digests (core/guard). */
export function grantFor(
  { grants = [] }: Pick<Lease, "grants">,
  { role, digests }: Pick<Grant, "role"> & { readonly digests: readonly string[] },
  now: number,
): Grant | undefined {
  return grants.find((grant) => grant.role === role && digests.includes(grant.digest) && isInForce(grant, now));
}

export function isInForce({ grantedAt, until }: Grant, now: number): boolean {
  return now < until && now >= grantedAt - CLOCK_SLACK_MS;
}

/** A new secret of 256 random bits, as the `brk_` text that clients send. */
export function newLeaseToken(): Secret {
  return new Secret(`brk_${randomBytes(32).toString("base64url")}`);
}

/** As it is, or after a scheme: SDKs send the variable's value verbatim, users write `Bearer` before it. */
const AUTHORIZATION = /^(?:bearer +)?(\S+)$/i;

/** The token in a request's `Authorization`. */
export function tokenInAuthorization(authorization: string | undefined): string | undefined {
  return AUTHORIZATION.exec(authorization ?? "")?.[1];
}

/** Tokens are looked up by hash, so that no comparison ever runs over the secret itself. */
export function hashLeaseToken(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
