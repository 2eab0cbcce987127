import type { LeaseAccess } from "../../control-api/lease-contract.js";
import { BrokerError } from "../../core/errors.js";
import { isMovable, type Lease, type LeaseHolder } from "../../core/lease.js";
import type { Secret } from "../../core/secret.js";
import type { ChildLeaseTerms } from "../../leases/lease-terms.js";
import type { ControlServices } from "../control-services.js";
import { admit, admitToToken } from "../guard.js";
import { adoptRoleNamed } from "../named-entries.js";
import { leaseView } from "../views.js";
import type { ControlCall, Handlers } from "./handler.js";

type Operations =
  | "lease-access"
  | "lease-create"
  | "lease-child"
  | "lease-hand-over"
  | "lease-list"
  | "lease-show"
  | "lease-rotate"
  | "lease-revoke";

/** Leases made and ended; their tokens leave here and nowhere else. */
export function leaseHandlers(services: ControlServices): Handlers<Operations> {
  const { leases, clock } = services;
  const view = (lease: Lease): ReturnType<typeof leaseView> => leaseView(lease, services);
  return {
    "lease-access": async (request, { signal, caller }) => {
      if ("pinnedRole" in request) return accessTo(services, await pinnedLease(services, request, { signal, caller }));
      const lease = leases.select(request.lease);
      const { grant } = admitToToken(services, lease, { ...request, caller });
      return accessTo(services, grant ? await leases.grant(lease.id, grant) : lease);
    },
    "lease-create": async ({ name, ...request }, call) => {
      const terms = await termsOf(services, request, call);
      return accessTo(services, await leases.createNamed({ name, ...terms }));
    },
    "lease-child": async ({ pid, like, ...request }, call) => {
      const holder = holderOf(services, pid);
      const terms = like === undefined ? await termsOf(services, request, call) : termsLike(services, like, request);
      const { lease, token } = await leases.createChild({ holder, ...terms });
      return accessWith(services, lease, token);
    },
    "lease-hand-over": async ({ id, pid }) => {
      const startTime = services.processes.startTimeOf(pid);
      // A command may be over before its lease is handed over to it: nothing went wrong, if there is such a lease.
      if (startTime === undefined) leases.select({ by: "id", id });
      else await leases.handOver(id, { pid, startTime });
      return { handedOver: startTime !== undefined };
    },
    "lease-list": async () => Promise.resolve({ leases: leases.list().map(view) }),
    "lease-show": async ({ lease }) => Promise.resolve(view(leases.select(lease))),
    "lease-rotate": async ({ lease: selector, confirmation }, { caller }) => {
      const lease = leases.select(selector);
      admitToToken(services, lease, { caller, confirmation });
      const { lease: rotated, token } = await leases.rotate(lease.id);
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

interface WantedLease {
  readonly role: string | null;
  readonly forSeconds?: number;
  readonly movable?: boolean;
  readonly confirmation?: string;
}

type Terms = Pick<ChildLeaseTerms, "role" | "expiresAt" | "pinned" | "grants" | "temporary">;

/** A lease with a role keeps it, unless it is made movable; it ends with what lets it have the role. */
async function termsOf(
  services: ControlServices,
  wanted: WantedLease,
  { signal, caller }: ControlCall,
): Promise<Terms> {
  const { role: named, movable = false, ...asked } = wanted;
  if (named === null) return { role: null, expiresAt: endIn(services, asked.forSeconds) };
  const role = await adoptRoleNamed(services, named, signal);
  const { until, grant } = admit(services, role, { ...asked, target: "new", caller });
  const granted = grant && { grants: [grant] };
  return { role: role.name, expiresAt: until, ...(!movable && { pinned: true }), ...granted };
}

/**
 * As `exec` without ROLE makes it: with the role that programs of that lease have, moved by `use` where that one is. From a pinned
 * one it has the end as well, so that nothing outlives what it was made from.
 */
function termsLike(services: ControlServices, token: string, { forSeconds }: WantedLease): Terms {
  const { leases } = services;
  const from = leases.resolve(token);
  const end = endIn(services, forSeconds);
  if (from.kind === "default" || from.followsDefault) return { role: null, expiresAt: end };
  const { role, grants, temporary } = from;
  const inherited = { role, ...(grants && { grants }), ...(temporary && { temporary }) };
  if (isMovable(from)) return { ...inherited, expiresAt: end };
  return { ...inherited, pinned: true, expiresAt: earlier(from.expiresAt, end) };
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

function endIn({ clock }: ControlServices, seconds: number | undefined): number | null {
  return seconds === undefined ? null : clock.now() + seconds * 1000;
}

/** Of `env ROLE`: the same URL each time; a guarded role needs its yes each time as well, for the time of its guard. */
async function pinnedLease(
  services: ControlServices,
  {
    pinnedRole,
    ...asked
  }: { readonly pinnedRole: string; readonly forSeconds?: number; readonly confirmation?: string },
  { signal, caller }: ControlCall,
): Promise<Lease> {
  const role = await adoptRoleNamed(services, pinnedRole, signal);
  if (asked.forSeconds !== undefined && !role.guard) {
    throw new BrokerError(
      "UsageInvalid",
      `env ${role.name} prints a lease that has no end: --for is for guarded roles`,
      {
        hint: `brokerctl lease create NAME ${role.name} --for 30m`,
      },
    );
  }
  const { grant } = admit(services, role, { ...asked, target: "new", caller });
  return services.leases.pinned(role.name, grant);
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
    region:
      (role === null ? undefined : (config.current()?.roles.get(role) ?? config.unnamedRole(role))?.region) ?? null,
  };
}

function holderOf({ processes }: ControlServices, pid: number): LeaseHolder {
  const startTime = processes.startTimeOf(pid);
  if (startTime !== undefined) return { pid, startTime };
  throw new BrokerError("UsageInvalid", `no process ${pid} is running`, {
    hint: "--pid takes the pid of a live process",
  });
}

function notServing(): BrokerError {
  return new BrokerError("InternalError", "the endpoint is not bound", { hint: "brokerctl restart" });
}
