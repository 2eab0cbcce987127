import type { ControlError } from "../../control-api/contract.js";
import type { RoleSummary } from "../../control-api/lease-contract.js";
import { BrokerError, toBrokerError } from "../../core/errors.js";
import type { Lease } from "../../core/lease.js";
import { describeScope } from "../../core/lease-scope.js";
import type { Narrowing, Role } from "../../core/role.js";
import type { ControlServices } from "../control-services.js";
import { adoptRoleNamed, configInForce } from "../named-entries.js";
import { scopeFor } from "../scope.js";
import { controlError, summaryOf } from "../views.js";
import type { Handlers } from "./handler.js";

/** What credentials a role has now: fetched, renewed, named by AWS; never the credentials themselves. */
export function credentialsHandlers(services: ControlServices): Handlers<"warm" | "refresh" | "whoami"> {
  const { credentials, sts } = services;
  return {
    warm: async ({ role, scope: wanted }, { signal, caller }) => {
      const { name } = await adoptRoleNamed(services, role, signal);
      const scope = scopeFor(caller, wanted);
      await credentials.warm(name, { signal, scope });
      return summaryOf(services, name, scope);
    },
    refresh: async ({ role }, { signal }) => refreshAll(services, role, signal),
    whoami: async (request, { signal, caller }) => {
      const lease = "role" in request ? undefined : services.leases.select(request.lease);
      const named = "role" in request ? request.role : roleOfLease(services, lease);
      const { name, stsRegion } = await adoptRoleNamed(services, named, signal);
      const scope = lease ? lease.scope : scopeFor(caller, undefined);
      const held = await credentials.warm(name, { signal, scope });
      const { account, arn, userId } = await sts.getCallerIdentity(held.credentials, stsRegion);
      return { role: name, account, arn, userId, expiration: held.credentials.expiration };
    },
  };
}

/**
 * One role by name, or every role that is held now or could not be fetched: a program that failed is not run again before the user says
 * that it is fixed. One failure does not hide the others.
 */
async function refreshAll(
  services: ControlServices,
  name: string | undefined,
  signal: AbortSignal,
): Promise<{ refreshed: RoleSummary[]; failed: (ControlError & { role: string })[] }> {
  configInForce(services);
  const asked = name === undefined ? undefined : (await adoptRoleNamed(services, name, signal)).name;
  const held = services.credentials.snapshot().filter((one) => one.held ?? one.error);
  const wanted = held.map(({ role }) => role).filter((role) => isMeant(role, asked));
  const refreshed: RoleSummary[] = [];
  const failed: (ControlError & { role: string })[] = [];
  const one = async (role: string, narrowed?: Narrowing): Promise<void> => {
    const label = narrowed ? `${narrowed.base.name} (${describeScope(narrowed.scope)})` : role;
    try {
      await services.credentials.refresh(role, signal);
      if (narrowed?.isServed !== false) refreshed.push({ ...summaryOf(services, role), role: label });
    } catch (error) {
      failed.push({ role: label, ...controlError(toBrokerError(error)) });
    }
  };
  const defined = asked === undefined ? wanted.filter(({ narrowed }) => !narrowed).map((role) => role.name) : [asked];
  await Promise.all(defined.map((role) => one(role)));
  // Each is made of the one before.
  for (const { name: narrowedName, narrowed } of wanted) if (narrowed) await one(narrowedName, narrowed);
  return { refreshed, failed };
}

/** The role itself, and what it is narrowed to for leases. */
function isMeant({ name, narrowed }: Role, asked: string | undefined): boolean {
  return asked === undefined || asked === (narrowed?.base.name ?? name);
}

/** The role that a lease stands for now; NoRole names the command that chooses one. */
function roleOfLease({ leases }: ControlServices, lease: Lease | undefined): string {
  const role = lease ? leases.roleOf(lease) : null;
  if (role !== null) return role;
  throw new BrokerError("NoRole", "no role is chosen yet", { hint: "brokerctl use ROLE" });
}
