import type { RoleSummary } from "../control-api/contract.js";
import type { HeldCredentials } from "../core/credentials.js";
import { refreshWindows } from "../core/refresh-windows.js";
import type { Role } from "../core/role.js";
import type { ControlServices } from "./services.js";

/** A role as far as it is known now; null: no role chosen. */
export function summaryOf({ credentials }: ControlServices, name: string | null): RoleSummary {
  const snapshot = credentials.snapshot().find(({ role }) => role.name === name);
  if (!snapshot) return { role: name, roleArn: null, accountId: null, expiration: null };
  const { role, held } = snapshot;
  return { role: name, ...knownOf(role, held) };
}

/** ARN and account from the config, else from what is held; the expiration as advertised to clients. */
export function knownOf(role: Role, held: HeldCredentials | undefined): Omit<RoleSummary, "role"> {
  const roleArn = role.assume?.roleArn ?? null;
  return {
    roleArn,
    accountId: held?.credentials.accountId ?? role.sso?.accountId ?? roleArn?.split(":")[4] ?? null,
    expiration: held ? refreshWindows(held).advertisedExpiration : null,
  };
}
