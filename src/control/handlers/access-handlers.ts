import type { Caller } from "../../audit/audit-event.js";
import type { OwnLeaseView, RequestableRole, RequestPreview } from "../../control-api/access-contract.js";
import type { AccessRequest } from "../../core/access-request.js";
import { checkedScope } from "../../core/checked-scope.js";
import { BrokerError, toBrokerError } from "../../core/errors.js";
import { grantDigest } from "../../core/guard.js";
import { type Lease, labelOf } from "../../core/lease.js";
import type { LeaseScope } from "../../core/lease-scope.js";
import type { Role } from "../../core/role.js";
import { storeProblem } from "../../core/store-problem.js";
import { noRole, unknownRole } from "../../core/unknown-role.js";
import type { ControlServices } from "../control-services.js";
import { guardView } from "../guard.js";
import { configInForce, roleNamed } from "../named-entries.js";
import { decisionFor, ruleFor } from "../request-decision.js";
import { controlError, knownOf, leaseView, summaryOf } from "../views.js";
import type { Handler, Handlers } from "./handler.js";
import { ownLease, viewOf } from "./request-handlers.js";

type Operations = "lease-own" | "request-roles" | "request-preview" | "request-status" | "request-release";

/** What who holds a lease asks about it: what it has, what it could have, what became of its requests. */
export function accessHandlers(services: ControlServices): Handlers<Operations> {
  return {
    "lease-own": async (_, { caller }) => Promise.resolve(ownLeaseView(services, leaseOf(services, caller))),
    "request-roles": async ({ byRules = false }) => Promise.resolve({ roles: requestable(services, byRules) }),
    "request-preview": previewHandler(services),
    "request-status": statusHandler(services),
    "request-release": releaseHandler(services),
  };
}

/** The default one is for who names none, and not for whose own has ended. */
function leaseOf({ leases }: ControlServices, { lease, leaseProblem }: Caller): Lease {
  if (lease) return lease;
  if (leaseProblem === undefined) return leases.select({ by: "default" });
  throw new BrokerError("LeaseEnded", "the lease whose token the variables hold has ended, or there was none", {
    hint: "brokerctl exec --lease NAME -- CMD",
  });
}

function ownLeaseView(services: ControlServices, lease: Lease): OwnLeaseView {
  const { kind, role, scope, expiresAt, temporary, grant } = leaseView(lease, services);
  const pending = services.requests.list().find((one) => one.lease.id === lease.id && one.state === "pending");
  const refusal = refusalOf(services, lease);
  return {
    ...{ label: labelOf(lease), kind },
    ...{ role, ...accountOf(services, role), ...(scope && { scope }) },
    ...{ expiresAt, temporary, grant },
    pending: pending ? viewOf(pending) : null,
    refusal: refusal ? controlError(refusal) : null,
  };
}

function accountOf(services: ControlServices, role: string | null): Pick<OwnLeaseView, "accountId" | "roleArn"> {
  const { accountId, roleArn } = summaryOf(services, role);
  return { accountId, roleArn };
}

/** As the endpoint would refuse it, in its order; nothing is fetched for it. */
function refusalOf(services: ControlServices, lease: Lease): BrokerError | undefined {
  const { leases, credentials, config } = services;
  const name = leases.roleOf(lease);
  if (name === null) return noRole();
  const condition = credentials.condition(name, lease.scope);
  if (!condition) return config.problem() ?? config.whyLeftOut("role", name) ?? unknownRole(name);
  try {
    leases.requireGrant(lease, condition);
  } catch (error) {
    return toBrokerError(error);
  }
  const known = credentials.snapshotOf(name, lease.scope) ?? credentials.snapshotOf(name);
  return known?.held ? undefined : whyNotFetched(services, known?.error);
}

function whyNotFetched({ store }: ControlServices, error: BrokerError | undefined): BrokerError | undefined {
  const now = store.current();
  return now.state === "open" ? error : storeProblem(now);
}

/** `byRules`: those that a rule names and does not deny, and no other. */
function requestable(services: ControlServices, byRules: boolean): readonly RequestableRole[] {
  const roles = [...configInForce(services).roles.values()];
  return roles.flatMap((role) => {
    const rules = [ruleFor(services, role.name), ruleFor(services, role.name, READ_ONLY)];
    if (byRules && !rules.some((rule) => rule && rule.decide !== "deny")) return [];
    const readOnly = decisionFor(services, role, READ_ONLY).decision;
    const { accountId, roleArn } = knownOf(role, services.credentials.peek(role.name)?.held);
    return [{ ...decided(services, role), readOnly, accountId, roleArn }];
  });
}

const READ_ONLY: LeaseScope = { readOnly: true };

function decided(services: ControlServices, role: Role, scope?: LeaseScope): Omit<RequestPreview, "refusal"> {
  const guard = role.guard ? guardView(role.guard) : null;
  return { role: role.name, ...decisionFor(services, role, scope), guard };
}

function previewHandler(services: ControlServices): Handler<"request-preview"> {
  return async ({ role: name, scope: wanted, forSeconds, byRules = false }, { signal, caller }) => {
    const scope = checkedScope(wanted);
    if (byRules && !ruleFor(services, name, scope)) return unnamed(name);
    const role = await roleNamed(services, name, signal);
    const preview = decided(services, role, scope);
    const seconds = Math.min(forSeconds ?? Number.POSITIVE_INFINITY, preview.maxSeconds ?? Number.POSITIVE_INFINITY);
    return { ...preview, refusal: whyNotNow(services, role, { caller, seconds, scope }) };
  };
}

/** The same answer for a role that there is and one that there is not. */
function unnamed(role: string): RequestPreview {
  const why = "no rule of the config names it: a person decides, if there is such a role";
  return { role, decision: "ask", why, maxSeconds: null, guard: null, refusal: null };
}

/** What `request-create` would reject with before any rule is looked at. */
function whyNotNow(
  services: ControlServices,
  role: Role,
  {
    caller,
    seconds,
    scope,
  }: { readonly caller: Caller; readonly seconds: number; readonly scope: LeaseScope | undefined },
): RequestPreview["refusal"] {
  try {
    const lease = ownLease(caller);
    services.requests.preview({
      ...{ lease: { id: lease.id, label: labelOf(lease) }, role: role.name, digest: grantDigest(role, scope) },
      ...{ reason: "", forSeconds: seconds, pid: null },
    });
    return null;
  } catch (error) {
    return controlError(toBrokerError(error));
  }
}

function statusHandler(services: ControlServices): Handler<"request-status"> {
  const { requests, clock } = services;
  return async ({ id, waitSeconds = 0 }, { signal, caller }) => {
    const request = ownRequest(services, id, caller);
    if (waitSeconds === 0 || request.state !== "pending") return viewOf(request);
    const late = new AbortController();
    const cancel = clock.after(waitSeconds * 1000, () => late.abort());
    // Given up or not: it is told as it stands then.
    await requests.wait(id, AbortSignal.any([signal, late.signal])).catch(() => undefined);
    cancel();
    return viewOf(requests.get(id));
  };
}

function releaseHandler(services: ControlServices): Handler<"request-release"> {
  const { requests, leases } = services;
  return async ({ id }, { caller }) => {
    const request = id === undefined ? lastOpen(services, caller) : ownRequest(services, id, caller);
    // Of every lease: what was made by it has it by the same request.
    const takeBack = (): Promise<void> => leases.withdraw((grant) => grant.request === request.id);
    return viewOf(await requests.decide(request.id, { state: "released" }, takeBack));
  };
}

/** Another lease's request is told as one that there is not. */
function ownRequest({ requests }: ControlServices, id: string, caller: Caller): AccessRequest {
  const { id: own } = ownLease(caller);
  const request = requests.list().find((one) => one.id === id && one.lease.id === own);
  if (request) return request;
  throw new BrokerError("UsageInvalid", `this lease has made no request ${id}`, {
    hint: "brokerctl request ROLE --reason TEXT",
  });
}

function lastOpen({ requests, clock }: ControlServices, caller: Caller): AccessRequest {
  const lease = ownLease(caller);
  const isOpen = ({ state, until }: AccessRequest): boolean =>
    state === "pending" || (state === "approved" && until !== null && clock.now() < until);
  const open = requests.list().find((one) => one.lease.id === lease.id && isOpen(one));
  if (open) return open;
  throw new BrokerError("Conflict", `lease ${labelOf(lease)} has nothing to give back`, {
    hint: "brokerctl request ROLE --reason TEXT",
  });
}
