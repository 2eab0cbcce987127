import type { Caller } from "../audit/audit-event.js";
import type { FunctionRequest, ViaChoice } from "../control-api/lambda-contract.js";
import { BrokerError } from "../core/errors.js";
import { grantDigest } from "../core/guard.js";
import { isInForce, type Lease, labelOf } from "../core/lease.js";
import type { Role } from "../core/role.js";
import { isDeployedRole } from "../core/unknown-role.js";
import type { Via } from "../lambda/via.js";
import type { ControlServices } from "./control-services.js";
import { admit } from "./guard.js";
import type { ControlCall } from "./handlers/handler.js";
import { adoptRoleNamed, configInForce } from "./named-entries.js";
import { scopeFor } from "./scope.js";

/** What a request says of the role that reads for it. */
export interface WantedVia {
  /** null: `lambda.via` of the config, else the caller's current role. */
  readonly via: string | null;
  readonly region?: string | undefined;
  readonly confirmation?: string | undefined;
}

export interface ReachedVia extends Via {
  readonly by: ViaChoice;
  /** Of the yes to the role's guard, epoch milliseconds; null: no end. */
  readonly until: number | null;
}

/** The role that reads what is deployed, and its credentials: what is missing fails here, as with `warm`. */
export async function reachVia(
  { via: named, region, confirmation }: WantedVia,
  services: ControlServices,
  { signal, caller }: ControlCall,
): Promise<ReachedVia> {
  const { name, by } = named === null ? viaByDefault(services, caller) : ({ name: named, by: "named" } as const);
  if (isDeployedRole(name)) {
    throw new BrokerError("UsageInvalid", `${name} is the role of what is deployed: nothing else is reached by it`, {
      hint: "brokerctl roles",
    });
  }
  const role = await adoptRoleNamed(services, name, signal);
  // What is read and changed for the holder of a narrowed lease is what that may.
  const scope = scopeFor(caller, undefined);
  const { until } = admit(services, role, { target: "new", caller, confirmation, scope });
  const { credentials } = await services.credentials.warm(role.name, { signal, scope });
  return { role, signer: credentials, until, by, ...(region !== undefined && { region }) };
}

export interface ReachedFunction {
  readonly via: ReachedVia;
  /** As Lambda calls it, in any form that its API takes. */
  readonly functionText: string;
}

/** The function that a request names, by itself or as a stack calls it, and the role that reads it. */
export async function reachFunction(
  { function: text, stack, ...request }: FunctionRequest,
  services: ControlServices,
  call: ControlCall,
): Promise<ReachedFunction> {
  const via = await reachVia(request, services, call);
  return { via, functionText: stack === undefined ? text : await services.functions.nameInStack(via, stack, text) };
}

/** Where no role is named: `lambda.via`, else the role of the caller's lease, else that of the default one. Throws `UsageInvalid`. */
function viaByDefault(services: ControlServices, caller: Caller): { readonly name: string; readonly by: ViaChoice } {
  const configured = configInForce(services).lambdaVia;
  if (configured !== undefined) return { name: configured, by: "config" };
  const leftOut = services.config.whyLeftOut("setting", "lambda.via");
  if (leftOut) throw leftOut;
  const current = currentRole(services, caller);
  if ("role" in current) return { name: current.role, by: "current" };
  throw noVia(services, current.why);
}

/** The same for who looks only: undefined where none would be found, which the operation that needs it tells. */
export function viaIfAny(services: ControlServices, caller: Caller): string | undefined {
  const configured = configInForce(services).lambdaVia;
  if (configured !== undefined || services.config.whyLeftOut("setting", "lambda.via")) return configured;
  const current = currentRole(services, caller);
  return "role" in current ? current.role : undefined;
}

type CurrentRole = { readonly role: string } | { readonly why: string };

/**
 * A lease that has ended, or has a function's role, does not stand back for the default one: what runs under it would get another
 * identity than it was given. Nor is a role taken that a request gave for a time: that is the lease's own, and not of what it makes.
 */
function currentRole({ leases, clock }: ControlServices, { lease: own, leaseProblem }: Caller): CurrentRole {
  if (leaseProblem !== undefined) return { why: "the lease of this shell has ended, or is not known" };
  const lease = own ?? leases.select({ by: "default" });
  const role = leases.roleOf(lease);
  if (role === null) return { why: "no role is chosen (brokerctl use ROLE)" };
  if (isDeployedRole(role)) return { why: `the current role, ${role}, is a function's own, or a task's` };
  if (isByRequest(lease, role, clock.now())) return { why: `lease ${labelOf(lease)} has ${role} by a request` };
  return { role };
}

function isByRequest({ temporary, grants = [] }: Lease, role: string, now: number): boolean {
  if (!temporary || temporary.thenRole === role) return false;
  return grants.some((grant) => grant.role === role && grant.request !== undefined && isInForce(grant, now));
}

const MAX_SHOWN = 20;

function noVia(services: ControlServices, why: string): BrokerError {
  const names = [...configInForce(services).roles.keys()];
  const shown = names.length > MAX_SHOWN ? [...names.slice(0, MAX_SHOWN), "…"] : names;
  const choices = names.length === 0 ? "the config has no roles yet" : `the config has ${shown.join(", ")}`;
  return new BrokerError("UsageInvalid", `which role reads what is deployed is not said, and ${why}: ${choices}`, {
    hint: `--via ${names[0] ?? "ROLE"}, or for good in the config: lambda: { via: ${names[0] ?? "ROLE"} }    # brokerctl config edit`,
  });
}

/** Where nothing else guards the role of what is deployed, the yes to via is one to what comes of it. */
export function yesToMade(
  made: Role,
  { role, until }: ReachedVia,
  { confirmations }: ControlServices,
): { readonly confirmation?: string } {
  if (!made.guard || until === null || JSON.stringify(made.guard) !== JSON.stringify(role.guard)) return {};
  return { confirmation: confirmations.keep({ role: made.name, digest: grantDigest(made), target: "new", until }) };
}
