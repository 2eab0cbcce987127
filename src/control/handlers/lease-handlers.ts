import type { LeaseAccess } from "../../control-api/lease-contract.js";
import type { Holder } from "../../core/audit-views.js";
import { BrokerError } from "../../core/errors.js";
import type { Lease, LeaseHolder } from "../../core/lease.js";
import type { Secret } from "../../core/secret.js";
import { roleNamed } from "../named-entries.js";
import type { ControlServices } from "../services.js";
import { leaseView, summaryOf } from "../views.js";
import type { Handlers } from "./handler.js";

type Operations =
  | "use"
  | "lease-access"
  | "lease-create"
  | "lease-child"
  | "lease-hand-over"
  | "lease-list"
  | "lease-show"
  | "lease-rotate"
  | "lease-revoke";

/** Leases made, moved and ended; their tokens leave here and nowhere else. */
export function leaseHandlers(services: ControlServices): Handlers<Operations> {
  const { leases, clock } = services;
  const view = (lease: Lease): ReturnType<typeof leaseView> => leaseView(lease, services);
  const expiresAt = (seconds: number | undefined): number | null =>
    seconds === undefined ? null : clock.now() + seconds * 1000;
  const nameOf = async (role: string, signal: AbortSignal): Promise<string> =>
    (await roleNamed(services, role, signal)).name;
  const nameOrNull = async (role: string | null, signal: AbortSignal): Promise<string | null> =>
    role && nameOf(role, signal);
  return {
    use: async ({ lease: selector, role, forSeconds }, { signal }) => {
      const lease = leases.select(selector);
      const old = summaryOf(services, leases.roleOf(lease));
      const target = await nameOf(role === "-" ? formerRole(lease) : role, signal);
      // Warmed first: "login required" shows in this terminal and not inside an SDK.
      await services.credentials.warm(target, signal);
      const moved = await leases.assign(lease.id, target, { until: expiresAt(forSeconds) });
      const holders = holdersOf(services, { lease, role: old.role });
      return { lease: view(moved), old, new: summaryOf(services, target), holders: old.role === target ? [] : holders };
    },
    "lease-access": async (request, { signal }) => {
      if ("lease" in request) return accessTo(services, leases.select(request.lease));
      return accessTo(services, await leases.pinned(await nameOf(request.pinnedRole, signal)));
    },
    "lease-create": async ({ name, role: named, forSeconds }, { signal }) => {
      const role = await nameOrNull(named, signal);
      const lease = await leases.createNamed({ name, role, expiresAt: expiresAt(forSeconds) });
      return accessTo(services, lease);
    },
    "lease-child": async ({ role, pid, forSeconds }, { signal }) => {
      const holder = holderOf(services, pid);
      const child = { role: await nameOrNull(role, signal), holder, expiresAt: expiresAt(forSeconds) };
      const { lease, token } = await leases.createChild(child);
      return accessWith(services, lease, token);
    },
    "lease-hand-over": async ({ id, pid }) => {
      await leases.handOver(id, holderOf(services, pid));
      return {};
    },
    "lease-list": async () => Promise.resolve({ leases: leases.list().map(view) }),
    "lease-show": async ({ lease }) => Promise.resolve(view(leases.select(lease))),
    "lease-rotate": async ({ lease }) => {
      const { lease: rotated, token } = await leases.rotate(leases.select(lease).id);
      return accessWith(services, rotated, token);
    },
    "lease-revoke": async ({ lease: selector }) => {
      const lease = leases.select(selector);
      const before = view(lease);
      await leases.revoke(lease.id);
      return { ...before, holders: services.audit.holders.find({ lease: lease.id }, clock.now()) };
    },
  };
}

/** For leases whose token is kept: default, named and pinned ones. */
async function accessTo(services: ControlServices, lease: Lease): Promise<LeaseAccess> {
  return accessWith(services, lease, await services.leases.access(lease));
}

function accessWith(services: ControlServices, lease: Lease, secret: Secret): LeaseAccess {
  const endpoint = services.daemon.endpoint();
  if (endpoint === null) throw services.config.problem() ?? notServing();
  const role = services.leases.roleOf(lease);
  const { config } = services;
  const token = secret.reveal();
  return {
    lease: leaseView(lease, services),
    token,
    leaseUrl: `${endpoint}/lease/${token}`,
    credentialsUrl: `${endpoint}/creds`,
    region: (role === null ? undefined : (config.current()?.roles.get(role) ?? config.adHocRole(role))?.region) ?? null,
  };
}

/** Programs that still hold credentials of a role by this lease, or by one that follows it. */
function holdersOf(
  { audit, leases, clock }: ControlServices,
  { lease: { id, kind }, role }: { readonly lease: Lease; readonly role: string | null },
): readonly Holder[] {
  if (role === null) return [];
  const following = kind === "default" ? leases.list().filter(({ followsDefault }) => followsDefault) : [];
  const ids = new Set([id, ...following.map((each) => each.id)]);
  return audit.holders.find({ role }, clock.now()).filter((holder) => ids.has(holder.lease));
}

function holderOf({ processes }: ControlServices, pid: number): LeaseHolder {
  const startTime = processes.startTimeOf(pid);
  if (startTime !== undefined) return { pid, startTime };
  throw new BrokerError("UsageInvalid", `no process ${pid} is running`, {
    hint: "--pid takes the pid of a live process",
  });
}

function formerRole(lease: Lease): string {
  if (lease.previousRole) return lease.previousRole;
  throw new BrokerError("NoRole", "this lease had no other role before", { hint: "brokerctl use ROLE" });
}

function notServing(): BrokerError {
  return new BrokerError("InternalError", "the endpoint is not bound", { hint: "brokerctl restart" });
}
