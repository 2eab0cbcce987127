import type { NarrowedLease } from "../../control-api/lease-contract.js";
import { checkedScope } from "../../core/checked-scope.js";
import { BrokerError } from "../../core/errors.js";
import { grantDigest } from "../../core/guard.js";
import { type Grant, type Lease, ownScope } from "../../core/lease.js";
import type { ControlServices } from "../control-services.js";
import { refusePinnedCaller } from "../guard.js";
import { leaseView } from "../views.js";
import type { Handlers } from "./handler.js";

/** A lease gets less than it had, and what its programs made no more than that; nothing gives it back. */
export function narrowHandler(services: ControlServices): Handlers<"lease-narrow"> {
  const { leases, clock } = services;
  return {
    "lease-narrow": async ({ lease: selector, scope: wanted, forSeconds }, { caller }) => {
      refusePinnedCaller(caller, "lease narrow");
      const scope = checkedScope(wanted);
      if (!scope && forSeconds === undefined) throw narrowsNothing();
      const before = leases.select(selector);
      const all = await leases.narrow(before.id, {
        ...(scope && { scope }),
        ...(forSeconds !== undefined && { expiresAt: clock.now() + forSeconds * 1000 }),
        fit: (narrowed, former) => fitted(services, narrowed, former),
      });
      return narrowedView(services, before, all);
    },
  };
}

/**
 * Refuses what the lease's role cannot be narrowed by. AWS is not asked, since what takes something away does not wait for it; nor is
 * a role that is not known now, which the endpoint refuses by itself.
 */
function fitted(services: ControlServices, narrowed: Lease, former: Lease): Lease {
  const { leases, credentials } = services;
  const role = leases.roleOf(narrowed);
  const isOther = narrowed.scope !== former.scope;
  if (narrowed.scope && isOther && role !== null && credentials.peek(role)) credentials.narrow(role, narrowed.scope);
  const { grants } = narrowed;
  return grants
    ? { ...narrowed, grants: grants.map((grant) => grantOf(services, grant, { narrowed, former })) }
    : narrowed;
}

interface Change {
  readonly narrowed: Lease;
  readonly former: Lease;
}

/** A yes to what the lease had is one to what is left of it, and to no more. */
function grantOf({ credentials }: ControlServices, grant: Grant, { narrowed, former }: Change): Grant {
  const role = credentials.peek(grant.role)?.role;
  if (!role) return grant;
  if (grant.digest === grantDigest(role, former.scope)) return { ...grant, digest: grantDigest(role, narrowed.scope) };
  const isOfOwn = grant.digest === grantDigest(role, ownScope(former));
  return isOfOwn ? { ...grant, digest: grantDigest(role, ownScope(narrowed)) } : grant;
}

/** Programs hold what they were given before until AWS ends it. */
function narrowedView(
  services: ControlServices,
  before: Lease,
  [lease, ...made]: readonly [Lease, ...Lease[]],
): NarrowedLease {
  const { audit, clock } = services;
  const holdersOf = ({ id }: Lease): NarrowedLease["holders"] => audit.holders.find({ lease: id }, clock.now());
  return {
    lease: leaseView(lease, services),
    old: { scope: before.scope ?? null, expiresAt: before.expiresAt },
    made: made.map((each) => leaseView(each, services)),
    holders: [lease, ...made].flatMap(holdersOf),
  };
}

function narrowsNothing(): BrokerError {
  return new BrokerError("UsageInvalid", "lease narrow takes what the lease is narrowed by", {
    hint: "brokerctl lease narrow LEASE --read-only",
  });
}
