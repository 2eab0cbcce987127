import type { Caller } from "../../audit/audit-event.js";
import type { LeaseAccess, WantedScope } from "../../control-api/lease-contract.js";
import { checkedScope } from "../../core/checked-scope.js";
import { BrokerError } from "../../core/errors.js";
import { grantDigest, grantDigests } from "../../core/guard.js";
import { type Grant, isMovable, isNarrowable, type Lease, type LeaseHolder, scopeField } from "../../core/lease.js";
import { type LeaseScope, narrowerScope } from "../../core/lease-scope.js";
import { isSameScope } from "../../core/scope-digest.js";
import type { Secret } from "../../core/secret.js";
import { isDeployedRole } from "../../core/unknown-role.js";
import type { ChildLeaseTerms } from "../../leases/lease-terms.js";
import type { ControlServices } from "../control-services.js";
import { admit, admitToToken } from "../guard.js";
import { adoptRoleNamed } from "../named-entries.js";
import { scopeFor } from "../scope.js";
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
    "lease-create": async ({ name, socket, ...request }, call) => {
      const terms = await termsOf(services, request, call);
      const lease = await leases.createNamed({ name, ...terms, ...(socket !== undefined && { socket }) });
      await requireSocket(services, lease);
      return accessTo(services, lease);
    },
    "lease-child": async ({ pid, like, socket: wanted, ...request }, call) => {
      const holder = holderOf(services, pid);
      const terms =
        like === undefined
          ? await termsOf(services, request, call)
          : termsLike(services, { ...request, like }, call.caller);
      const socket = wanted && { socket: services.sockets.newPath() };
      const { lease, token } = await leases.createChild({ holder, ...terms, ...socket });
      await requireSocket(services, lease);
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

/** A lease that cannot be served on the socket it was made for is not made. */
async function requireSocket({ leases, sockets }: ControlServices, lease: Lease): Promise<void> {
  const problem = sockets.problemOf(lease);
  if (!problem) return;
  await leases.revoke(lease.id);
  const { code, message, hint } = problem;
  throw new BrokerError(code, message, { hint, cause: problem });
}

interface WantedLease {
  readonly role: string | null;
  readonly forSeconds?: number;
  readonly movable?: boolean;
  readonly confirmation?: string;
  readonly scope?: WantedScope;
}

type Terms = Pick<ChildLeaseTerms, "role" | "expiresAt" | "pinned" | "scope" | "grants" | "temporary" | "madeBy">;

/** A lease with a role keeps it, unless it is made movable; it ends with what lets it have the role. */
async function termsOf(
  services: ControlServices,
  wanted: WantedLease,
  { signal, caller }: ControlCall,
): Promise<Terms> {
  const { role: named, movable = false, ...asked } = wanted;
  const scope = scopeFor(caller, asked.scope);
  const made = { ...scopeField(scope), madeBy: caller.lease };
  if (named === null) return { role: null, expiresAt: endIn(services, asked.forSeconds), ...made };
  const role = await adoptRoleNamed(services, named, signal);
  if (scope) services.credentials.narrow(role.name, scope);
  const { until, grant } = admit(services, role, { ...asked, scope, target: "new", caller });
  const granted = grant && { grants: [grant] };
  return { role: role.name, expiresAt: until, ...(!movable && { pinned: true }), ...made, ...granted };
}

/**
 * As `exec` without ROLE makes it: with the role that programs of that lease have, moved by `use` where that one is. From a pinned
 * or narrowed one it has the end as well, so that nothing outlives what it was made from.
 */
function termsLike(
  services: ControlServices,
  { like, forSeconds, scope: wanted }: WantedLease & { readonly like: string },
  caller: Caller,
): Terms {
  const { leases } = services;
  const from = leases.resolve(like);
  const end = endIn(services, forSeconds);
  const scope = scopeOfOneLike(from, wanted, caller);
  const made = { ...scopeField(scope), madeBy: makerOf(from, caller) };
  if (from.kind === "default" || from.followsDefault) return { role: null, expiresAt: end, ...made };
  const { role, temporary } = from;
  if (scope && role !== null) services.credentials.narrow(role, scope);
  const grants = grantsLike(services, from, scope);
  const inherited = { role, ...made, ...(grants && { grants }), ...(temporary && { temporary }) };
  if (isMovable(from) && !scope) return { ...inherited, expiresAt: end };
  return { ...inherited, ...(!isMovable(from) && { pinned: true }), expiresAt: earlier(from.expiresAt, end) };
}

/** What narrows the lease of who asks is to narrow this one; of who has none, or one that is never narrowed, what it is made like. */
function makerOf(from: Lease, { lease }: Caller): Lease {
  return lease && isNarrowable(lease) ? lease : from;
}

/** It narrows further than the lease that it is made like, and than the one of the program that asks. */
function scopeOfOneLike(from: Lease, wanted: LeaseScope | undefined, caller: Caller): LeaseScope | undefined {
  const own = scopeLike(from, wanted);
  return caller.lease?.id === from.id ? own : scopeFor(caller, own);
}

/** A yes to what the lease has is one to less of it. */
function grantsLike(
  { credentials }: ControlServices,
  { role: name, scope: had, grants }: Lease,
  scope: LeaseScope | undefined,
): Lease["grants"] {
  const role = name === null ? undefined : credentials.peek(name)?.role;
  if (!role || isSameScope(had, scope)) return grants;
  const good = grantDigests(role, had);
  const isGood = (grant: Grant): boolean => grant.role === role.name && good.includes(grant.digest);
  return grants?.map((grant) => (isGood(grant) ? { ...grant, digest: grantDigest(role, scope) } : grant));
}

/** Narrowed further it would not be what a request was given, nor what the lease is after that. */
function scopeLike(from: Lease, wanted: WantedScope | undefined): LeaseScope | undefined {
  const scope = wanted && checkedScope(wanted);
  if (scope && from.temporary) {
    const message = "this shell's lease has its role for a time: what is made like it is narrowed no further";
    throw new BrokerError("ScopeRefused", message, { hint: "brokerctl exec ROLE --read-only -- CMD" });
  }
  return scope ? narrowerScope(from.scope, scope) : from.scope;
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

function endIn({ clock }: ControlServices, seconds: number | undefined): number | null {
  return seconds === undefined ? null : clock.now() + seconds * 1000;
}

interface WantedPinned extends Omit<WantedLease, "role" | "movable"> {
  readonly pinnedRole: string;
}

/** Of a lease on the role of a function, where nothing else is said: a day's work. */
const DEPLOYED_LEASE_SECONDS = 12 * 3600;

/**
 * Of `env ROLE`: the same URL each time, for role and scope; a guarded role needs its yes each time as well, for the time of its guard.
 * One on a function's role ends, and lasts longer each time.
 */
async function pinnedLease(
  services: ControlServices,
  { pinnedRole, scope: wanted, ...asked }: WantedPinned,
  { signal, caller }: ControlCall,
): Promise<Lease> {
  const role = await adoptRoleNamed(services, pinnedRole, signal);
  const isDeployed = isDeployedRole(role.name);
  if (asked.forSeconds !== undefined && !role.guard && !isDeployed) throw hasNoEnd(role.name);
  const scope = scopeFor(caller, wanted);
  if (scope) services.credentials.narrow(role.name, scope);
  const { grant, until } = admit(services, role, { ...asked, scope, target: "new", caller });
  const expiresAt = isDeployed && earlier(until, endIn(services, asked.forSeconds ?? DEPLOYED_LEASE_SECONDS));
  return services.leases.pinned(role.name, {
    ...(grant && { grant }),
    ...(expiresAt && { expiresAt }),
    ...scopeField(scope),
    madeBy: caller.lease,
  });
}

function hasNoEnd(role: string): BrokerError {
  return new BrokerError("UsageInvalid", `env ${role} prints a lease that has no end: --for is for guarded roles`, {
    hint: `brokerctl lease create NAME ${role} --for 30m`,
  });
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
