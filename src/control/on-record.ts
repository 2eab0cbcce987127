import type { AuditEvent, Caller } from "../audit/audit-event.js";
import type { ConsoleWay } from "../control-api/console-contract.js";
import type { ControlOperation, ControlRequest, ControlResponse } from "../control-api/contract.js";
import type { RequestView } from "../control-api/guard-contract.js";
import type { LeaseView } from "../control-api/lease-contract.js";
import { readableReason, requestedScope } from "../core/access-request.js";
import { durationText } from "../core/duration.js";
import { type BrokerErrorCode, toBrokerError } from "../core/errors.js";
import { type LeaseSelector, scopeField } from "../core/lease.js";
import type { ControlServices } from "./control-services.js";
import { narrowedText } from "./views.js";

/** An event without what is the same for all: outcome, code, caller. */
type Told = AuditEvent extends infer E
  ? E extends AuditEvent
    ? Omit<E, "outcome" | "code" | "caller">
    : never
  : never;

/** What of an operation is on record; the answer is undefined where it failed. */
type Teller<O extends ControlOperation> = (
  request: ControlRequest<O>,
  answer: ControlResponse<O> | undefined,
  services: ControlServices,
) => Told | undefined;

interface Attempt<O extends ControlOperation> {
  readonly operation: O;
  readonly request: ControlRequest<O>;
  readonly caller: Caller;
}

/** Runs a handler; what it did, or was refused or failed to do, is on record when it settles. */
export async function onRecord<O extends ControlOperation>(
  { operation, request, caller }: Attempt<O>,
  services: ControlServices,
  handle: () => Promise<ControlResponse<O>>,
): Promise<ControlResponse<O>> {
  const teller: Teller<O> = TELLERS[operation] ?? (() => undefined);
  try {
    const answer = await handle();
    const told = teller(request, answer, services);
    if (told) services.audit.record({ ...told, outcome: "done", caller });
    return answer;
  } catch (error) {
    const failure = toBrokerError(error);
    const { code } = failure;
    const isRefused = REFUSALS.includes(code);
    const told = teller(request, undefined, services) ?? (isRefused ? { event: "refused" } : undefined);
    const outcome = isRefused ? "refused" : "failed";
    if (told) services.audit.record({ ...told, outcome, code, error: failure, caller });
    throw error;
  }
}

/** Of ours; what AWS refuses has failed. */
const REFUSALS: readonly BrokerErrorCode[] = [
  ...(["GuardRefused", "RequestRefused", "LeasePinned", "ScopeRefused", "RequestDenied"] as const),
  ...(["LeaseUnknown", "LeaseEnded"] as const),
];

/** null: it changes nothing and gives nothing out. A new operation has to say. */
const TELLERS: { readonly [O in ControlOperation]: Teller<O> | null } = {
  status: null,
  stop: () => ({ event: "stop" }),
  "store-create": () => ({ event: "store-created" }),
  lock: () => ({ event: "lock" }),
  unlock: () => ({ event: "unlock" }),
  "config-check": null,
  "config-reload": () => ({ event: "config-reload" }),
  "config-schema": null,
  projects: null,
  "source-add": null,
  "role-add": null,
  "entry-show": null,
  "entry-rename": null,
  "entry-renamed": ({ kind, name, to }, answer) => ({
    event: "config-renamed",
    detail: `${kind} ${name} is ${to} now${followed(answer?.leases ?? 0)}`,
  }),
  "entry-remove": null,
  "keys-add": ({ source }) => ({ event: "keys-added", source }),
  "import-plan": null,
  "import-keys": (_, answer) => ({
    event: "keys-imported",
    detail: answer && `keys of ${answer.keys.map(({ source }) => source).join(", ") || "no source"}`,
  }),
  "keys-list": null,
  "keys-rotate": ({ source }) => ({ event: "keys-rotated", source }),
  "keys-remove": ({ source }) => ({ event: "keys-removed", source }),
  "login-choices": null,
  "login-mfa": ({ source }) => ({ event: "login", source }),
  "login-start": null,
  "login-wait": (_, answer) => ({ event: "login", source: answer?.source }),
  "login-code": null,
  logout: ({ source }) => ({ event: "logout", source }),
  "sso-accounts": null,
  "sso-account-roles": null,
  "sso-known-roles": null,
  "sso-roles-plan": null,
  "lambda-list": null,
  "lambda-role": ({ function: name, via }, answer) => ({
    event: "lambda-role",
    role: answer?.role,
    detail: `function ${name} via ${answer?.via ?? via ?? "its default"}`,
  }),
  "lambda-code": ({ function: name, via }, answer) => ({
    event: "lambda-code",
    role: answer?.via ?? via,
    detail: `of function ${name}`,
  }),
  "lambda-code-part": null,
  "lambda-trust": ({ function: name, via, action, seconds }) =>
    action === "show"
      ? undefined
      : {
          event: "lambda-trust",
          role: via,
          detail: trustDetail(action, `function ${name}`, seconds),
        },
  "lambda-why": null,
  "task-role": ({ task, via }, answer) => ({
    event: "task-role",
    role: answer?.role,
    detail: `task ${task} via ${answer?.via ?? via ?? "the role of lambda.via"}`,
  }),
  "task-trust": ({ task, via, action, seconds }) =>
    action === "show"
      ? undefined
      : { event: "task-trust", role: via, detail: trustDetail(action, `task ${task}`, seconds) },
  "deploy-role": ({ roleName, via, action }, answer) =>
    action === "show"
      ? undefined
      : {
          event: "deploy-role",
          role: via,
          detail: `role ${answer?.roleArn ?? roleName} ${answer?.outcome ?? "not made"}`,
        },
  use: (request, answer, services) => ({ event: "use", ...moved(request, answer, services) }),
  "lease-set": (request, answer, services) => ({ event: "lease-set", ...moved(request, answer, services) }),
  "lease-narrow": ({ lease }, answer, services) => ({
    event: "lease-narrowed",
    lease: leaseIn(answer?.lease) ?? selected(lease, services),
    role: answer?.lease.role,
    until: answer?.lease.expiresAt,
    detail: answer && narrowedText(answer),
  }),
  "guard-confirm": ({ role, reason, target }, answer, services) => {
    const lease = target.by === "new" || target.by === "shell" || target.by === "request" ? undefined : target;
    const about = { role, lease: lease && selected(lease, services), reason };
    // What is to be asked yet is no answer, and what needs none is told by what follows.
    if (answer)
      return answer.needs === null && answer.confirmation !== null ? { event: "approved", ...about } : undefined;
    return { event: "refused", ...about };
  },
  "request-create": ({ role, reason }, answer) => ({
    event: "request",
    ...(answer ? requested(answer) : { role, reason: readableReason(reason) }),
    detail: answer && `${answer.state}${answer.decidedBy === "rule" ? " by a rule" : ""}`,
  }),
  "request-list": null,
  "request-wait": null,
  "request-approve": ({ id }, answer, services) => ({ event: "approved", ...requestNamed(id, answer, services) }),
  "request-deny": ({ id }, answer, services) => ({ event: "denied", ...requestNamed(id, answer, services) }),
  "lease-own": null,
  "request-roles": null,
  "request-preview": null,
  "request-status": null,
  "request-release": ({ id }, answer, services) => {
    if (answer) return { event: "released", ...requested(answer) };
    return id === undefined ? undefined : { event: "released", ...requestNamed(id, answer, services) };
  },
  // What a role is warmed for tells itself; that it was refused is told here.
  warm: ({ role }, answer) => (answer ? undefined : { event: "refused", role }),
  refresh: ({ role }) => ({ event: "refresh", role }),
  whoami: null,
  console: (request, answer, services) => ({
    event: "console",
    role: answer?.role ?? ("role" in request ? request.role : undefined),
    lease: "lease" in request ? selected(request.lease, services) : undefined,
    detail: answer && CONSOLE_WAYS[answer.way],
  }),
  "lease-access": (request, answer, services) => ({
    event: "lease-access",
    ...("lease" in request
      ? { lease: leaseIn(answer?.lease) ?? selected(request.lease, services), role: answer?.lease.role }
      : { lease: leaseIn(answer?.lease), role: answer?.lease.role ?? request.pinnedRole }),
  }),
  "lease-create": ({ role }, answer) => created(role, answer?.lease),
  "lease-child": ({ role }, answer) => created(role, answer?.lease),
  "lease-hand-over": ({ id, pid }, answer) =>
    answer?.handedOver === false
      ? undefined
      : { event: "lease-handed-over", lease: { id }, detail: `to process ${pid}` },
  "lease-list": null,
  "lease-show": null,
  "lease-rotate": ({ lease }, answer, services) => ({
    event: "lease-rotated",
    lease: leaseIn(answer?.lease) ?? selected(lease, services),
  }),
  "lease-revoke": ({ lease }, answer, services) => ({
    event: "lease-revoked",
    lease: leaseIn(answer) ?? selected(lease, services),
    role: answer?.role,
  }),
  "ui-open": () => ({ event: "page-opened" }),
  "audit-verify": null,
  who: null,
  why: null,
};

function trustDetail(action: string, what: string, seconds: number | undefined): string {
  return `${action} for ${what}${seconds === undefined ? "" : `, for ${durationText(seconds)}`}`;
}

function followed(leases: number): string {
  return leases === 0 ? "" : `, in ${leases} ${leases === 1 ? "lease" : "leases"} too`;
}

/** Never the URL. */
const CONSOLE_WAYS: Readonly<Record<ConsoleWay, string>> = {
  federated: "a URL that signs in",
  portal: "a page of Identity Center",
  "signed-in": "a page of the console",
};

function moved(
  { lease, role }: ControlRequest<"use">,
  answer: ControlResponse<"use"> | undefined,
  services: ControlServices,
): Pick<Told, "lease" | "role"> & { readonly until: number | undefined } {
  return {
    lease: leaseIn(answer?.lease) ?? selected(lease, services),
    role: answer?.new.role ?? role,
    until: answer?.lease.temporary?.until,
  };
}

type Requested = Pick<Told, "lease" | "role"> & {
  readonly request: string;
  readonly reason?: string;
  readonly until?: number | null;
};

/** Of the scope that is asked for, not of what the lease has. */
function requested(request: RequestView): Requested {
  const { id, lease, role, reason, until } = request;
  const name = lease.label === lease.id ? {} : { name: lease.label };
  return { request: id, lease: { id: lease.id, ...name, ...scopeField(requestedScope(request)) }, role, reason, until };
}

function requestNamed(id: string, answer: RequestView | undefined, { requests }: ControlServices): Requested {
  try {
    return requested(answer ?? requests.get(id));
  } catch {
    return { request: id };
  }
}

function created(role: string | null, lease: LeaseView | undefined): Told {
  return { event: "lease-created", lease: leaseIn(lease), role: lease?.role ?? role, until: lease?.expiresAt };
}

function leaseIn(view: LeaseView | undefined): Told["lease"] {
  return view && { id: view.id, ...(view.name !== null && { name: view.name }), ...scopeField(view.scope) };
}

/** Of an attempt that failed: the lease that it was about, where there is one. */
function selected(selector: LeaseSelector, { leases }: ControlServices): Told["lease"] {
  try {
    return leases.select(selector);
  } catch {
    return undefined;
  }
}
