import type { OwnLeaseView, RequestableRole, RequestPreview } from "../../control-api/access-contract.js";
import type { ControlError } from "../../control-api/contract.js";
import type { RequestView } from "../../control-api/guard-contract.js";
import { describeScope } from "../../core/lease-scope.js";
import { isoInstant, span } from "../terminal/when.js";

/** What a tool answers: snake_case fields, instants as whole-second UTC. Fields are chosen here, so that none is answered by accident. */
export type Answer = Readonly<Record<string, unknown>>;

export function leaseAnswer(lease: OwnLeaseView): Answer {
  const { label, kind, role, scope, accountId, roleArn, expiresAt, temporary, grant, pending, refusal } = lease;
  return {
    ...{ lease: label, kind, role, account_id: accountId, role_arn: roleArn },
    narrowed_to: scope ? describeScope(scope) : null,
    lease_ends_at: isoInstant(expiresAt),
    temporary: temporary && { until: isoInstant(temporary.until), then_role: temporary.thenRole },
    granted_by_request: grant?.request ?? null,
    waits_for: pending && { request: pending.id, role: pending.role },
    problem: refusal && problemAnswer(refusal, { role }),
  };
}

export function roleAnswer(each: RequestableRole): Answer {
  return {
    ...decisionAnswer(each),
    read_only_decision: each.readOnly,
    account_id: each.accountId,
    role_arn: each.roleArn,
  };
}

export function previewAnswer(preview: RequestPreview): Answer {
  const { refusal, role } = preview;
  return { ...decisionAnswer(preview), problem: refusal && problemAnswer(refusal, { role }) };
}

function decisionAnswer({ role, decision, why, maxSeconds, guard }: Omit<RequestPreview, "refusal">): Answer {
  return {
    ...{ role, decision, why, longest_seconds: maxSeconds },
    guard: guard && { confirm: guard.confirm, reason: guard.reason, max_lease_seconds: guard.maxLeaseSeconds },
  };
}

/** Without the reason: what a caller wrote is nothing to tell it. */
export function requestAnswer({ id, role, scope, state, until, decidedBy }: RequestView, now: number): Answer {
  const isOver = state === "approved" && until !== null && until <= now;
  const told = isOver ? "ended" : state;
  return {
    ...{
      request: id,
      role,
      narrowed_to: scope === "any" ? null : describeScope(scope),
      state: told,
      until: isoInstant(until),
      decided_by: decidedBy,
    },
    next: NEXT[told]({ id, role, left: until === null ? "" : span(until - now) }),
  };
}

interface Now {
  readonly id: string;
  readonly role: string;
  readonly left: string;
}

const NEXT: Readonly<Record<RequestView["state"] | "ended", (now: Now) => string>> = {
  approved: ({ role, left }) =>
    `your lease has ${role} for ${left}: AWS tools have it from their next call on, with the same environment; call release_access when you are done`,
  pending: ({ id }) =>
    `a person decides: ask your user to run \`brokerctl approve ${id}\`, then call access_status with this request`,
  denied: () => "go on with what you have; ask your user before you ask again",
  released: () => "your lease has the role that it had before",
  void: () => "the role is defined anew since you asked: call request_access once more",
  expired: () => "no one decided in time: call request_access once more when your user is there",
  ended: () => "its time is over: call request_access once more if you need it still",
};

/** An error as a model is told it: what it is, and what would help. */
export function problemAnswer(
  { code, message, hint }: ControlError,
  { role }: { readonly role: string | null },
): Answer {
  return { code, message, help: helpFor(code, { role, hint }) };
}

/** A request that would help where there is one, else who has to do what. */
function helpFor(
  code: ControlError["code"],
  { role, hint }: { readonly role: string | null; readonly hint: string | undefined },
): string {
  const person = hint === undefined ? "tell your user" : `ask your user to run: ${hint}`;
  const help = HELP[code] ?? "no request helps here: PERSON";
  return help.replace("ROLE", () => role ?? "(of list_roles)").replace("PERSON", () => person);
}

const ASK = "call request_access with role ROLE and a reason: a person decides";
const CHOOSE = "call list_roles, then request_access with one of them and a reason";
const ANEW = "ask your user to start you anew with a lease: brokerctl exec --lease NAME --confine -- AGENT";
const LOOK = "call whoami: it tells what your lease has and what it waits for";

const HELP: Partial<Record<ControlError["code"], string>> = {
  ...{ GuardRefused: ASK, LeasePinned: ASK },
  ...{ NoRole: CHOOSE, RoleUnknown: CHOOSE },
  ...{ LeaseEnded: ANEW, LeaseUnknown: ANEW },
  ...{ UsageInvalid: LOOK, Conflict: LOOK },
  AssumeRoleDenied: "AWS refuses this role: call list_roles, and request_access with another one, or PERSON",
  RequestPending: "call access_status with that request, or release_access to withdraw it",
  RequestDenied: "wait as it says, or ask your user; do not ask again and again",
  CredentialsPending: "call again in a moment",
};
