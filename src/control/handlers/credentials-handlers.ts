import type { ControlError, RoleSummary } from "../../control-api/contract.js";
import { toBrokerError } from "../../core/errors.js";
import { roleNamed } from "../role-named.js";
import { summaryOf } from "../role-summary.js";
import { runningConfig } from "../running.js";
import { roleOfLease } from "../selected-lease.js";
import type { ControlServices } from "../services.js";
import { controlError } from "../views.js";
import type { Handlers } from "./handler.js";

/** What credentials a role has now: fetched, renewed, named by AWS; never the credentials themselves. */
export function credentialsHandlers(services: ControlServices): Handlers<"warm" | "refresh" | "whoami"> {
  const { credentials, sts } = services;
  return {
    warm: async ({ role }, { signal }) => {
      const { name } = await roleNamed(services, role, signal);
      await credentials.warm(name, signal);
      return summaryOf(services, name);
    },
    refresh: async ({ role }, { signal }) => refreshAll(services, role, signal),
    whoami: async (request, { signal }) => {
      const named = "role" in request ? request.role : roleOfLease(services, request.lease);
      const { name, stsRegion } = await roleNamed(services, named, signal);
      const held = await credentials.warm(name, signal);
      const { account, arn, userId } = await sts.getCallerIdentity(held.credentials, stsRegion);
      return { role: name, account, arn, userId, expiration: held.credentials.expiration };
    },
  };
}

/** One role by name, or every role that is held now; one failure does not hide the others. */
async function refreshAll(
  services: ControlServices,
  name: string | undefined,
  signal: AbortSignal,
): Promise<{ refreshed: RoleSummary[]; failed: (ControlError & { role: string })[] }> {
  runningConfig(services);
  const held = services.credentials.snapshot().filter((role) => role.held);
  const names =
    name === undefined ? held.map(({ role }) => role.name) : [(await roleNamed(services, name, signal)).name];
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
