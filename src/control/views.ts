import type { ControlError } from "../control-api/contract.js";
import type { LeaseView, RoleSummary } from "../control-api/lease-contract.js";
import type { HeldCredentials } from "../core/credentials.js";
import type { BrokerError } from "../core/errors.js";
import { isMovable, type Lease } from "../core/lease.js";
import { refreshWindows } from "../core/refresh-windows.js";
import type { Role } from "../core/role.js";
import type { ControlServices } from "./control-services.js";

/** An error as it goes over the wire. */
export function controlError({ code, message, hint }: BrokerError): ControlError {
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}

/** A lease as it is shown, with the role it stands for now. */
export function leaseView(lease: Lease, { leases, audit }: Pick<ControlServices, "leases" | "audit">): LeaseView {
  const role = leases.roleOf(lease);
  const grant = lease.grants?.findLast((one) => one.role === role);
  const { id, kind, name, followsDefault, createdAt, expiresAt, lastUsedAt, holder, temporary } = lease;
  return {
    id,
    name: name ?? null,
    kind,
    role: leases.roleOf(lease),
    followsDefault,
    createdAt,
    expiresAt,
    lastUsedAt,
    lastUsedBy: audit.holders.lastUserOf(id) ?? null,
    holderPid: holder?.pid ?? null,
    temporary: temporary ?? null,
    movable: isMovable(lease),
    grant: grant ? { until: grant.until, request: grant.request ?? null } : null,
  };
}

/** A role as far as it is known now; null: no role chosen. */
export function summaryOf({ credentials }: ControlServices, name: string | null): RoleSummary {
  const known = name === null ? undefined : credentials.peek(name);
  if (!known) return { role: name, roleArn: null, accountId: null, expiration: null };
  return { role: name, ...knownOf(known.role, known.held) };
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
