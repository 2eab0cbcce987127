import type { Caller } from "../audit/audit-event.js";
import { checkedScope } from "../core/checked-scope.js";
import { BrokerError } from "../core/errors.js";
import { type Lease, labelOf, ownScope } from "../core/lease.js";
import { describeScope, isWithin, type LeaseScope, narrowerScope } from "../core/lease-scope.js";
import type { ControlServices } from "./control-services.js";

/**
 * What narrows a lease that is made now: what is asked for, within what narrows the lease of who asks. What a request gave that one for
 * a time is its own, and not of what it makes. Throws `ScopeRefused` where it would be wider, `UsageInvalid` where it is no scope.
 */
export function scopeFor({ lease }: Caller, wanted: LeaseScope | undefined): LeaseScope | undefined {
  const own = lease && ownScope(lease);
  return own || wanted ? narrowerScope(own, wanted && checkedScope(wanted)) : undefined;
}

/** The token of a lease that is wider than the asker's own is not given to it. */
export function refuseWiderToken(services: ControlServices, { lease: own }: Caller, lease: Lease): void {
  const scope = own && ownScope(own);
  if (!own || !scope || own.id === lease.id) return;
  const { leases } = services;
  if (leases.roleOf(own) === leases.roleOf(lease) && isWithin(lease.scope, scope)) return;
  throw new BrokerError("ScopeRefused", `${heldBy(own, scope)}: the token of another lease is for shells without it`, {
    hint: "brokerctl request ROLE --reason TEXT",
  });
}

export function heldBy(lease: Lease, scope: LeaseScope): string {
  return `this shell's variables hold lease ${labelOf(lease)}, which is narrowed (${describeScope(scope)})`;
}
