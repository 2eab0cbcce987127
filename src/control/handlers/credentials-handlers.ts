import type { ControlError } from "../../control-api/contract.js";
import type { RoleSummary } from "../../control-api/lease-contract.js";
import { BrokerError, toBrokerError } from "../../core/errors.js";
import type { LeaseSelector } from "../../core/lease.js";
import type { ControlServices } from "../control-services.js";
import { adoptRoleNamed, configInForce } from "../named-entries.js";
import { controlError, summaryOf } from "../views.js";
import type { Handlers } from "./handler.js";

/** What credentials a role has now: fetched, renewed, named by AWS; never the credentials themselves. */
export function credentialsHandlers(services: ControlServices): Handlers<"warm" | "refresh" | "whoami"> {
  const { credentials, sts } = services;
  return {
    warm: async ({ role }, { signal }) => {
      const { name } = await adoptRoleNamed(services, role, signal);
      await credentials.warm(name, signal);
      return summaryOf(services, name);
    },
    refresh: async ({ role }, { signal }) => refreshAll(services, role, signal),
    whoami: async (request, { signal }) => {
      const named = "role" in request ? request.role : roleOfLease(services, request.lease);
      const { name, stsRegion } = await adoptRoleNamed(services, named, signal);
      const held = await credentials.warm(name, signal);
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
  const wanted = services.credentials.snapshot().filter(({ held, error }) => held ?? error);
  const names =
    name === undefined ? wanted.map(({ role }) => role.name) : [(await adoptRoleNamed(services, name, signal)).name];
  const refreshed: RoleSummary[] = [];
  const failed: (ControlError & { role: string })[] = [];
  const one = async (role: string): Promise<void> => {
    try {
      await services.credentials.refresh(role, signal);
      refreshed.push(summaryOf(services, role));
    } catch (error) {
      failed.push({ role, ...controlError(toBrokerError(error)) });
    }
  };
  await Promise.all(names.map(one));
  return { refreshed, failed };
}

/** The role that a lease stands for now; NoRole names the command that chooses one. */
function roleOfLease({ leases }: ControlServices, selector: LeaseSelector): string {
  const role = leases.roleOf(leases.select(selector));
  if (role !== null) return role;
  throw new BrokerError("NoRole", "no role is chosen yet", { hint: "brokerctl use ROLE" });
}
