import { type Handoff, type LaunchRequest, scopeInLine } from "../../control-api/launch-contract.js";
import type { LeaseAccess } from "../../control-api/lease-contract.js";
import { BrokerError } from "../../core/errors.js";
import type { Lease } from "../../core/lease.js";
import type { LeaseScope } from "../../core/lease-scope.js";
import type { Role } from "../../core/role.js";
import { parseScope } from "../../core/scope-record.js";
import type { ControlServices } from "../control-services.js";
import { coveredBy } from "../guard.js";
import type { ControlCall } from "../handlers/handler.js";
import { adoptRoleNamed } from "../named-entries.js";
import type { Operations } from "../operations.js";
import { scopeFor } from "../scope.js";

export type LaunchAnswer =
  /** `stays`: the lease ends with the connection or with the command, and the connection stays open. */
  | { readonly access: LeaseAccess; readonly stays: boolean }
  | { readonly handoff: Handoff }
  /** The lease's id. */
  | { readonly attached: string };

export interface LaunchParts {
  readonly services: ControlServices;
  readonly operations: Operations;
  readonly call: ControlCall;
}

/** Of a lease that is fetched from once. */
const FETCH_SECONDS = 60;

/** Does what `exec`, `credential-process` and `env` did one operation after the other: the same ones, each on record. */
export async function launch(request: LaunchRequest, parts: LaunchParts): Promise<LaunchAnswer> {
  const { onlyVersion, kind } = request;
  if (onlyVersion !== undefined && onlyVersion !== parts.services.daemon.version) return { handoff: "version" };
  switch (kind) {
    case "exec":
      return request.role === undefined ? execAsShell(request, parts) : execRole(request, request.role, parts);
    case "credential-process":
      return credentialProcess(request, request.role ?? "", parts);
    case "env":
      return envRole(request, request.role ?? "", parts);
    case "attach":
      throw new BrokerError("InternalError", "attach makes no lease");
  }
}

async function execRole(request: LaunchRequest, role: string, parts: LaunchParts): Promise<LaunchAnswer> {
  const yes = await yesFor(request, role, parts);
  if (yes === undefined) return { handoff: "guard" };
  const scope = scopeIn(request);
  await run("warm", { role, ...scope }, parts);
  const { pid, forSeconds, movable } = request;
  const access = await run("lease-child", { role, pid, ...scope, ...given({ forSeconds, movable }), ...yes }, parts);
  return { access, stays: true };
}

/** As this shell's lease: with what that one was given, so that its guard asks nothing anew. */
async function execAsShell(request: LaunchRequest, parts: LaunchParts): Promise<LaunchAnswer> {
  const { like, pid, forSeconds } = request;
  const { leases } = parts.services;
  const role = leases.roleOf(shellLease(like, parts.services));
  if (role === null) return { handoff: "no-role" };
  const scope = scopeIn(request);
  await run("warm", { role, ...scope }, parts);
  const access = await run("lease-child", { role: null, pid, ...scope, ...given({ like, forSeconds }) }, parts);
  return { access, stays: true };
}

/** Throws `UsageInvalid` where the line is none; what no role can be narrowed by, the operations refuse. */
function scopeIn({ scope: line }: LaunchRequest): { readonly scope?: LeaseScope } {
  if (line === undefined) return {};
  try {
    return { scope: parseScope(scopeInLine(line), "scope") };
  } catch (cause) {
    throw new BrokerError("UsageInvalid", "the line scope of the launch is not valid", {
      hint: "brokerctl restart",
      cause,
    });
  }
}

function shellLease(token: string | undefined, { leases }: ControlServices): Lease {
  if (token === undefined) return leases.select({ by: "default" });
  try {
    return leases.resolve(token);
  } catch (cause) {
    const isGone = cause instanceof BrokerError && (cause.code === "LeaseUnknown" || cause.code === "LeaseEnded");
    if (!isGone) throw cause;
    throw new BrokerError("LeaseEnded", "the lease of this shell has ended", {
      hint: 'eval "$(brokerctl env)"',
      cause,
    });
  }
}

/** The credentials themselves are the endpoint's to give: the client asks there, with this lease. */
async function credentialProcess(request: LaunchRequest, role: string, parts: LaunchParts): Promise<LaunchAnswer> {
  const { pid, forSeconds, reason } = request;
  const { guard } = await adoptRole(role, parts);
  const asked = { role, target: { by: "new" }, quiet: true, ...given({ forSeconds, reason }) };
  const said = guard ? await run("guard-confirm", asked, parts) : undefined;
  const confirmation = said?.needs === null ? (said.confirmation ?? undefined) : undefined;
  await run("warm", { role }, parts);
  const wanted = { role, pid, forSeconds: FETCH_SECONDS, ...given({ confirmation }) };
  return { access: await run("lease-child", wanted, parts), stays: true };
}

/** Its URL is the same each time. Fetched first, so that what is missing shows here and not inside a program. */
async function envRole(request: LaunchRequest, role: string, parts: LaunchParts): Promise<LaunchAnswer> {
  const yes = await yesFor(request, role, parts);
  if (yes === undefined) return { handoff: "guard" };
  const scope = scopeIn(request);
  await run("warm", { role, ...scope }, parts);
  const { forSeconds } = request;
  const access = await run("lease-access", { pinnedRole: role, ...scope, ...given({ forSeconds }), ...yes }, parts);
  return { access, stays: false };
}

/** What goes into the operation that gives a lease; undefined: a person has to be asked first. */
async function yesFor(
  request: LaunchRequest,
  name: string,
  parts: LaunchParts,
): Promise<{ readonly confirmation?: string } | undefined> {
  const { confirmation, forSeconds } = request;
  if (confirmation !== undefined) return { confirmation };
  const role = await adoptRole(name, parts);
  const { guard } = role;
  if (!guard) return {};
  const { caller } = parts.call;
  const wanted = scopeIn(request);
  const scope = scopeFor(caller, wanted.scope);
  if (coveredBy(parts.services, role, { target: "new", caller, scope }) !== undefined) return {};
  if (guard.confirm !== undefined || guard.reason) return undefined;
  const asked = { role: name, target: { by: "new" }, quiet: true, ...wanted, ...given({ forSeconds }) };
  const said = await run("guard-confirm", asked, parts);
  return said.needs === null && said.confirmation !== null ? { confirmation: said.confirmation } : {};
}

/** A role that there is not is refused on record, as `warm` does it. */
async function adoptRole(name: string, parts: LaunchParts): Promise<Role> {
  try {
    return await adoptRoleNamed(parts.services, name, parts.call.signal);
  } catch (error) {
    await run("warm", { role: name }, parts);
    throw error;
  }
}

function run<O extends "warm" | "lease-child" | "lease-access" | "guard-confirm">(
  operation: O,
  body: object,
  { operations, call }: LaunchParts,
): ReturnType<typeof operations.run<O>> {
  return operations.run(operation, body, call);
}

/** Without what was not given: an operation refuses a field that is undefined. */
function given<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;
}
