import type { Caller } from "../audit/audit-event.js";
import type { GuardView } from "../control-api/guard-contract.js";
import { BrokerError } from "../core/errors.js";
import { type Guard, grantDigest, grantDigests } from "../core/guard.js";
import { type Grant, grantFor, isMovable, type Lease, labelOf, ownScope } from "../core/lease.js";
import type { LeaseScope } from "../core/lease-scope.js";
import type { Role } from "../core/role.js";
import type { ControlServices } from "./control-services.js";
import { heldBy, refuseWiderToken } from "./scope.js";

/** Who gets the role: a lease, or one that is to be made. */
export interface Admitted {
  readonly target: Lease | "new";
  readonly caller: Caller;
  readonly forSeconds?: number | undefined;
  readonly confirmation?: string | undefined;
  /** What narrows the role for it. */
  readonly scope?: LeaseScope | undefined;
}

export interface Admission {
  /** Epoch milliseconds; null: no end. */
  readonly until: number | null;
  /** What a guarded role needs at the endpoint. */
  readonly grant?: Grant;
}

/**
 * The one way to a role: without a guard it is open; with one it takes a yes that was said to this role, as it is now, for this
 * target, or to the caller's own lease before. Throws `GuardRefused`.
 */
export function admit(services: ControlServices, role: Role, admitted: Admitted): Admission {
  const now = services.clock.now();
  const { forSeconds, target } = admitted;
  const wanted = forSeconds === undefined ? Number.POSITIVE_INFINITY : now + forSeconds * 1000;
  if (!role.guard) return { until: forSeconds === undefined ? null : wanted };
  if (target !== "new" && target.kind === "default" && forSeconds === undefined) throw needsEnd(role);
  const yes = yesTo(services, role, admitted) ?? free(role.guard, now);
  if (yes === undefined) throw guarded(role, admitted.caller);
  const until = Math.min(yes.until, wanted);
  // Of the request that it comes from: what is taken back is taken from all that was made by it.
  const request = yes.request === undefined ? {} : { request: yes.request };
  return {
    until,
    grant: { role: role.name, digest: grantDigest(role, admitted.scope), grantedAt: now, until, ...request },
  };
}

type Yes = Pick<Grant, "until" | "request">;

/** A yes to all of a role is one to what a scope leaves of it. */
function yesTo(services: ControlServices, role: Role, admitted: Admitted): Yes | undefined {
  const { target, confirmation, scope } = admitted;
  const id = target === "new" ? "new" : target.id;
  for (const digest of grantDigests(role, scope)) {
    const said = services.confirmations.find(confirmation, { role: role.name, digest, target: id });
    if (said) return said;
  }
  return coveredBy(services, role, admitted);
}

/**
 * A yes is good for the lease that asked and what it makes, until its end. The default lease's is not: every program of the
 * user has that token.
 */
export function coveredBy(
  { clock }: Pick<ControlServices, "clock">,
  role: Role,
  { target, caller, scope }: Pick<Admitted, "target" | "caller" | "scope">,
): Grant | undefined {
  const { lease } = caller;
  if (!lease || lease.kind === "default" || (target !== "new" && target.id !== lease.id)) return undefined;
  return grantFor(lease, { role: role.name, digests: grantDigests(role, scope) }, clock.now());
}

/** A guard that only limits the time asks no question. */
function free({ confirm, reason, maxLeaseSeconds }: Guard, now: number): Yes | undefined {
  return confirm === undefined && !reason ? { until: now + maxLeaseSeconds * 1000 } : undefined;
}

/**
 * The token of a lease that has a guarded role is given to no second program: it would have what was given to the first. The
 * default lease's is every program's, which is what its user said yes to.
 */
export function admitToToken(services: ControlServices, lease: Lease, admitted: Omit<Admitted, "target">): Admission {
  const { leases, credentials } = services;
  refuseWiderToken(services, admitted.caller, lease);
  const name = leases.roleOf(lease);
  const role = name === null ? undefined : credentials.peek(name)?.role;
  const isOwn = admitted.caller.lease?.id === lease.id;
  if (!role?.guard || lease.kind === "default" || lease.followsDefault || isOwn) return { until: null };
  return admit(services, role, { ...admitted, target: lease, scope: lease.scope });
}

/** What the holder of a pinned or narrowed lease may not do: it would be moved, or widened, by whom it was made for. */
export function refusePinnedCaller({ lease }: Caller, what: string): void {
  const scope = lease && ownScope(lease);
  if (!lease || (isMovable(lease) && !scope)) return;
  const held = scope ? heldBy(lease, scope) : `this shell's variables hold lease ${labelOf(lease)}, which is pinned`;
  const message = `${held}: ${what} is for shells without it`;
  throw new BrokerError("LeasePinned", message, { hint: "brokerctl request ROLE --reason TEXT" });
}

export function guardView({ confirm, reason, maxLeaseSeconds }: Guard): GuardView {
  return { confirm: confirm ?? null, reason, maxLeaseSeconds };
}

export function guarded({ name, guard }: Role, { lease }: Caller): BrokerError {
  const asks = [
    ...(guard?.confirm === undefined ? [] : [`a yes (${guard.confirm})`]),
    ...(guard?.reason === true ? ["a reason"] : []),
  ].join(" and ");
  const mayRequest = lease !== undefined && lease.kind !== "default";
  return new BrokerError("GuardRefused", `role ${name} is guarded: it takes ${asks}`, {
    hint: mayRequest
      ? `brokerctl request ${name} --reason TEXT`
      : `brokerctl exec ${name} --reason TEXT -- CMD    # at a terminal`,
  });
}

export function needsEnd({ name, guard }: Role): BrokerError {
  const message = `role ${name} is guarded, and every program of yours has the default lease`;
  const reason = guard?.reason === true ? " --reason TEXT" : "";
  return new BrokerError("GuardRefused", message, {
    hint: `brokerctl use ${name} --default --for 30m${reason}, or for one command: brokerctl exec ${name}${reason} -- CMD`,
  });
}
