import type { Caller } from "../../audit/audit-event.js";
import type { ControlRequest } from "../../control-api/contract.js";
import type { ConfirmAnswer, GuardTarget } from "../../control-api/guard-contract.js";
import { type AccessRequest, readableReason, requestedScope } from "../../core/access-request.js";
import { BrokerError } from "../../core/errors.js";
import { type Guard, grantDigest } from "../../core/guard.js";
import { type Grant, type Lease, ownScope } from "../../core/lease.js";
import { type LeaseScope, scopeLines } from "../../core/lease-scope.js";
import type { Role } from "../../core/role.js";
import { Secret } from "../../core/secret.js";
import { shellQuote } from "../../core/shell-quote.js";
import type { Asked, Question } from "../../requests/questions.js";
import type { ControlServices } from "../control-services.js";
import { coveredBy, guarded, guardView, needsEnd, refusePinnedCaller } from "../guard.js";
import { adoptRoleNamed } from "../named-entries.js";
import { scopeFor } from "../scope.js";
import { viaIfAny } from "../via.js";
import { knownOf } from "../views.js";
import type { ControlCall, Handlers } from "./handler.js";

type Request = ControlRequest<"guard-confirm">;

/** A person's yes to a guarded role: asked for here, and kept for the operation that follows. */
export function confirmHandler(services: ControlServices): Handlers<"guard-confirm"> {
  return {
    "guard-confirm": async (request, call) => {
      const role = await roleOf(services, request, call);
      if (!role?.guard) return { guard: null, needs: null, confirmation: null };
      const { guard } = role;
      const { caller } = call;
      const target = targetOf(services, request, role, caller);
      const { scope } = target;
      if (target.lease) refuseTarget(caller, target.lease, { ...request, role });
      if (
        !target.request &&
        coveredBy(services, role, { target: target.lease ?? "new", caller, scope }) !== undefined
      ) {
        return { guard: guardView(guard), needs: null, confirmation: null };
      }
      if (request.quiet === true && guard.confirm !== undefined) throw guarded(role, caller);
      return confirm(services, { request, role, guard, target, caller });
    },
  };
}

/** undefined: the role is not said and there is no default, which the operation that needs it tells. */
async function roleOf(
  services: ControlServices,
  { role }: Request,
  { signal, caller }: ControlCall,
): Promise<Role | undefined> {
  const name = role ?? viaIfAny(services, caller);
  return name === undefined ? undefined : adoptRoleNamed(services, name, signal);
}

interface Target {
  /** As a confirmation names it. */
  readonly id: string;
  readonly lease?: Lease;
  readonly request?: AccessRequest;
  /** What narrows the role for it. */
  readonly scope?: LeaseScope | undefined;
}

// eslint-disable-next-line @typescript-eslint/max-params -- the services, and what is asked, of what, by whom
function targetOf(services: ControlServices, { target, scope }: Request, role: Role, caller: Caller): Target {
  if (target.by === "new") return { id: "new", scope: scopeFor(caller, scope) };
  if (target.by === "shell") throw needsEnd(role);
  if (target.by !== "request") {
    const lease = services.leases.select(target);
    return { id: lease.id, lease, scope: ownScope(lease) };
  }
  const request = services.requests.get(target.id);
  const isOpen = request.state === "pending" && request.role === role.name;
  if (isOpen) return { id: request.id, request, scope: requestedScope(request) };
  throw new BrokerError("Conflict", `request ${target.id} is ${request.state}, for ${request.role}`, {
    hint: "brokerctl requests",
  });
}

/** Before the user is asked: what the operation that follows would refuse whatever the answer. */
function refuseTarget(
  caller: Caller,
  lease: Lease,
  { role, target, forSeconds }: { readonly role: Role; readonly target: GuardTarget; readonly forSeconds?: number },
): void {
  if (caller.lease?.id !== lease.id) refusePinnedCaller(caller, "another lease's role");
  if (lease.kind === "default" && (forSeconds === undefined || target.by !== "default")) throw needsEnd(role);
}

interface Asking {
  readonly request: Request;
  readonly role: Role;
  readonly guard: Guard;
  readonly target: Target;
  readonly caller: Caller;
}

async function confirm(services: ControlServices, asking: Asking): Promise<ConfirmAnswer> {
  const { role, guard, target, caller } = asking;
  const question = questionOf(asking);
  const asked = await ask(services, asking, question);
  if (asked !== "done") return { guard: guardView(guard), needs: asked, question };
  const until = services.clock.now() + question.seconds * 1000;
  const given = { role: role.name, digest: grantDigest(role, target.scope), until };
  if (target.id === "new") await coverAsker(services, caller, given);
  const confirmation = services.confirmations.keep({ ...given, target: target.id });
  return { guard: guardView(guard), needs: null, confirmation, until };
}

function questionOf(asking: Asking): Question {
  const { role, guard, target, request } = asking;
  const reason = readableReason(target.request?.reason ?? request.reason ?? "");
  if (guard.reason && reason === "") throw needsReason(role.name, request.target);
  return {
    ...{ role: role.name, account: knownOf(role, undefined).accountId, asker: askerOf(asking) },
    ...(target.scope && { scope: scopeLines(target.scope) }),
    reason: reason === "" ? null : reason,
    seconds: Math.min(guard.maxLeaseSeconds, request.forSeconds ?? guard.maxLeaseSeconds),
  };
}

function ask({ questions }: ControlServices, { request, guard, caller }: Asking, question: Question): Promise<Asked> {
  const { confirmed, passphrase } = request;
  return questions.ask(guard.confirm, question, {
    who: caller.lease?.id ?? (caller.isPage ? "page" : "no lease"),
    confirmed,
    passphrase: passphrase === undefined ? undefined : new Secret(passphrase),
  });
}

/** One yes covers asker and role until its end: the lease that asked, where it is not everybody's. */
async function coverAsker(
  { leases, clock }: ControlServices,
  { lease }: Caller,
  given: Pick<Grant, "role" | "digest" | "until">,
): Promise<void> {
  if (lease && lease.kind !== "default") await leases.grant(lease.id, { ...given, grantedAt: clock.now() });
}

function askerOf({ target, caller }: Asking): string {
  const by = caller.isPage
    ? ", asked on a page of brokerctl ui, or by what has its link"
    : caller.pid === undefined
      ? ""
      : `, asked by process ${caller.pid} (its own word)`;
  if (target.request) return `lease ${target.request.lease.label}, by request ${target.request.id}`;
  if (target.lease) return `${labelOf(target.lease)}${by}`;
  const from = caller.lease ? `${labelOf(caller.lease)}, which makes a new one` : "a new lease";
  return `${from}${by}`;
}

function labelOf({ kind, name, id, holder }: Lease): string {
  if (kind === "default") return "the default lease, which every program of yours has";
  return name === undefined ? `lease ${id} of process ${holder?.pid ?? "unknown"}` : `lease ${name}`;
}

function needsReason(role: string, target: GuardTarget): BrokerError {
  const hint = commandWithReason(role, target);
  return new BrokerError("GuardRefused", `role ${role} is guarded: it takes a reason`, { hint });
}

/** What was typed is not known here: a command that does the same for this target. */
function commandWithReason(role: string, target: GuardTarget): string {
  if (target.by === "new") return `brokerctl exec ${shellQuote(role)} --reason TEXT -- CMD`;
  if (target.by === "default") return `brokerctl use ${shellQuote(role)} --default --for 30m --reason TEXT`;
  const lease = target.by === "name" ? ` --lease ${shellQuote(target.name)}` : "";
  return `brokerctl use ${shellQuote(role)}${lease} --reason TEXT`;
}
