import type { ControlRequest } from "../../control-api/contract.js";
import type { MovedLease } from "../../control-api/lease-contract.js";
import type { Holder } from "../../core/audit-views.js";
import { BrokerError } from "../../core/errors.js";
import { isMovable, type Lease, ownScope } from "../../core/lease.js";
import type { ControlServices } from "../control-services.js";
import { admit, refusePinnedCaller } from "../guard.js";
import { adoptRoleNamed } from "../named-entries.js";
import { leaseView, summaryOf } from "../views.js";
import type { ControlCall, Handlers } from "./handler.js";

/** What gives a lease another role: `use` the movable ones, `lease set` those with a name of the user's. */
export function moveHandlers(services: ControlServices): Handlers<"use" | "lease-set"> {
  const { leases } = services;
  return {
    use: async (request, call) => {
      const lease = leases.select(request.lease);
      const isOwn = call.caller.lease?.id === lease.id;
      if (!isOwn) refusePinnedCaller(call.caller, "use");
      if (request.role === "-" && standsOnRequest(lease)) return release(services, lease);
      // Before anything is fetched: the lease will not have it.
      if (!isMovable(lease)) await leases.assign(lease.id, request.role);
      return move(services, { ...request, lease, evenPinned: false }, call);
    },
    "lease-set": async (request, call) => {
      refusePinnedCaller(call.caller, "lease set");
      const lease = leases.select(request.lease);
      if (lease.kind !== "named") throw notNamed(lease);
      return move(services, { ...request, lease, evenPinned: true }, call);
    },
  };
}

interface Move extends Pick<ControlRequest<"use">, "role" | "forSeconds" | "confirmation"> {
  readonly lease: Lease;
  readonly evenPinned: boolean;
}

async function move(services: ControlServices, asked: Move, { signal, caller }: ControlCall): Promise<MovedLease> {
  const { leases } = services;
  const { lease, evenPinned, forSeconds, confirmation } = asked;
  const old = summaryOf(services, leases.roleOf(lease), lease.scope);
  const role = await adoptRoleNamed(services, asked.role === "-" ? formerRole(lease) : asked.role, signal);
  // What narrows the lease goes with it.
  const scope = ownScope(lease);
  if (scope) services.credentials.narrow(role.name, scope);
  const { until, grant } = admit(services, role, { target: lease, caller, forSeconds, confirmation, scope });
  // Warmed first: "login required" shows in this terminal and not inside an SDK.
  await services.credentials.warm(role.name, { signal, scope });
  return moved(services, await leases.assign(lease.id, role.name, { until, grant, evenPinned }), old);
}

/** What a request gave is given back by who has it, also where `use` moves nothing. */
async function release(services: ControlServices, lease: Lease): Promise<MovedLease> {
  const { leases } = services;
  const old = summaryOf(services, leases.roleOf(lease), lease.scope);
  await leases.withdraw(({ role }, { id }) => id === lease.id && role === lease.role);
  return moved(services, leases.select({ by: "id", id: lease.id }), old);
}

function standsOnRequest({ role, temporary, grants = [] }: Lease): boolean {
  return temporary !== undefined && grants.some((grant) => grant.role === role && grant.request !== undefined);
}

function moved(services: ControlServices, lease: Lease, old: MovedLease["old"]): MovedLease {
  const role = services.leases.roleOf(lease);
  const holders = old.role === role ? [] : holdersOf(services, { lease, role: old.role });
  return { lease: leaseView(lease, services), old, new: summaryOf(services, role, lease.scope), holders };
}

/** Programs that still hold credentials of a role by this lease, or by one that follows it. */
function holdersOf(
  { audit, leases, clock }: ControlServices,
  { lease: { id, kind }, role }: { readonly lease: Lease; readonly role: string | null },
): readonly Holder[] {
  const found = role === null ? [] : audit.holders.find({ role }, clock.now());
  if (found.length === 0) return [];
  const following = kind === "default" ? leases.list().filter(({ followsDefault }) => followsDefault) : [];
  const ids = new Set([id, ...following.map((each) => each.id)]);
  return found.filter((holder) => ids.has(holder.lease));
}

function formerRole(lease: Lease): string {
  if (lease.previousRole) return lease.previousRole;
  throw new BrokerError("NoRole", "this lease had no other role before", { hint: "brokerctl use ROLE" });
}

function notNamed({ kind, id }: Lease): BrokerError {
  const what = kind === "default" ? "the default lease" : kind === "pinned" ? "a lease of env ROLE" : `lease ${id}`;
  const hint = kind === "pinned" ? "brokerctl env ROLE" : "brokerctl use ROLE";
  return new BrokerError("UsageInvalid", `lease set is for leases made by lease create, and not for ${what}`, { hint });
}
