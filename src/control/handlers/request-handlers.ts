import type { Caller } from "../../audit/audit-event.js";
import type { RequestView } from "../../control-api/guard-contract.js";
import { type AccessRequest, readableReason, requestedScope } from "../../core/access-request.js";
import { checkedScope } from "../../core/checked-scope.js";
import { BrokerError } from "../../core/errors.js";
import { grantDigest } from "../../core/guard.js";
import { type Grant, type Lease, labelOf } from "../../core/lease.js";
import type { Role } from "../../core/role.js";
import type { ControlServices } from "../control-services.js";
import { refusePinnedCaller } from "../guard.js";
import { adoptRoleNamed } from "../named-entries.js";
import { decisionFor } from "../request-decision.js";
import type { ControlCall, Handler, Handlers } from "./handler.js";

type Operations = "request-create" | "request-list" | "request-wait" | "request-approve" | "request-deny";

/** What leases ask a person for, and what is given to them. */
export function requestHandlers(services: ControlServices): Handlers<Operations> {
  const { requests } = services;
  return {
    "request-create": createHandler(services),
    "request-list": async () => Promise.resolve({ requests: requests.list().map(viewOf) }),
    "request-wait": async ({ id }, { signal }) => viewOf(await requests.wait(id, signal)),
    "request-approve": approveHandler(services),
    "request-deny": async ({ id }, { caller }) => {
      refusePinnedCaller(caller, "deny");
      // Of every lease: what the one that asked has made since has it by the same request.
      const takeBack = (): Promise<void> => services.leases.withdraw(({ request }) => request === id);
      return viewOf(await requests.decide(id, { state: "denied", by: "person" }, takeBack));
    },
  };
}

function createHandler(services: ControlServices): Handler<"request-create"> {
  const { requests } = services;
  return async (wish, { signal, caller }) => {
    const lease = ownLease(caller);
    const role = await adoptRoleNamed(services, wish.role, signal);
    const reason = readableReason(wish.reason);
    if (reason === "") throw new BrokerError("UsageInvalid", "the reason is empty", { hint: "--reason TEXT" });
    const label = labelOf(lease);
    const scope = checkedScope(wish.scope && { ...wish.scope, description: `lease ${label}: ${reason}` });
    if (scope) services.credentials.narrow(role.name, scope);
    const { maxSeconds } = decisionFor(services, role, scope);
    const request = await requests.create({
      ...{ lease: { id: lease.id, label }, role: role.name, reason },
      ...{ scope: scope ?? "any", digest: grantDigest(role, scope) },
      ...{ forSeconds: Math.min(wish.forSeconds ?? maxSeconds, maxSeconds), pid: caller.pid ?? null },
    });
    return viewOf(request.state === "pending" ? await byRule(services, role, request) : request);
  };
}

/** What a rule of the config decides at once; the request as it is where a person has to. */
async function byRule(services: ControlServices, role: Role, request: AccessRequest): Promise<AccessRequest> {
  const { requests, clock } = services;
  const { decision } = decisionFor(services, role, requestedScope(request));
  if (decision === "deny") return requests.decide(request.id, { state: "denied", by: "rule" });
  if (decision === "ask") return request;
  return give(services, request, { until: clock.now() + request.forSeconds * 1000, by: "rule" });
}

/** Requests are for it and no other. Throws `LeaseUnknown`. */
export function ownLease({ lease }: Caller): Lease {
  if (lease && lease.kind !== "default") return lease;
  const why = lease ? "the default lease is every program's" : "this shell's variables hold no lease";
  throw new BrokerError("LeaseUnknown", `a request is for a lease of one's own, and ${why}`, {
    hint: "brokerctl exec ROLE -- CMD gives CMD one; with brokerctl hook, each shell has one",
  });
}

function approveHandler(services: ControlServices): Handler<"request-approve"> {
  const { requests, clock, confirmations } = services;
  return async ({ id, forSeconds, confirmation }, call) => {
    refusePinnedCaller(call.caller, "approve");
    const request = requests.pending(id);
    const role = await shownRole(services, request, call);
    const { maxSeconds } = decisionFor(services, role, requestedScope(request));
    const seconds = Math.min(forSeconds ?? request.forSeconds, maxSeconds);
    let until = clock.now() + seconds * 1000;
    if (role.guard?.confirm !== undefined) {
      const said = confirmations.find(confirmation, { role: role.name, digest: request.digest, target: id });
      if (!said) throw needsYes(role, id);
      until = Math.min(until, said.until);
    }
    return viewOf(await give(services, request, { until, by: "person" }));
  };
}

/** The role as it was shown; another one voids the request. */
async function shownRole(services: ControlServices, request: AccessRequest, { signal }: ControlCall): Promise<Role> {
  const role = await adoptRoleNamed(services, request.role, signal).catch(() => undefined);
  if (role && grantDigest(role, requestedScope(request)) === request.digest) return role;
  await services.requests.decide(request.id, { state: "void" });
  throw new BrokerError("Conflict", `role ${request.role} is not what request ${request.id} was for any more`, {
    hint: `brokerctl request ${request.role} --reason TEXT    # asks anew`,
  });
}

function needsYes({ name }: Role, id: string): BrokerError {
  return new BrokerError("GuardRefused", `role ${name} is guarded: approving takes the yes of its guard`, {
    hint: `brokerctl approve ${id}`,
  });
}

/** Widens the lease in place: the same token, until then; what narrowed it gives way to what was asked for. */
async function give(
  { leases, requests, clock }: ControlServices,
  request: AccessRequest,
  { until, by }: { readonly until: number; readonly by: "person" | "rule" },
): Promise<AccessRequest> {
  const { id, lease, role, digest } = request;
  const scope = requestedScope(request) ?? null;
  const grant: Grant = { role, digest, grantedAt: clock.now(), until, request: id };
  return requests.decide(id, { state: "approved", by, until }, () =>
    leases.assign(lease.id, role, { until, grant, scope, evenPinned: true }),
  );
}

/** Without what is of no use to who reads it. */
export function viewOf(request: AccessRequest): RequestView {
  const { id, lease, role, scope, reason, forSeconds, pid, state, createdAt, decidedAt, decidedBy, until } = request;
  return { id, lease, role, scope, reason, forSeconds, pid, state, createdAt, decidedAt, decidedBy, until };
}
