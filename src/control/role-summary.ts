import type { RoleSummary } from "../control-api/contract.js";
import { refreshWindows } from "../core/refresh-windows.js";
import type { ControlServices } from "./services.js";

/** A role as far as it is known now; null: no role chosen. */
export function summaryOf({ credentials }: ControlServices, name: string | null): RoleSummary {
  const snapshot = credentials.snapshot().find(({ role }) => role.name === name);
  const roleArn = snapshot?.role.assume?.roleArn ?? null;
  return {
    role: name,
    roleArn,
    accountId: snapshot?.held?.credentials.accountId ?? roleArn?.split(":")[4] ?? null,
    expiration: snapshot?.held ? refreshWindows(snapshot.held).advertisedExpiration : null,
  };
}
