import type { ControlError } from "../control-api/contract.js";
import type { LeaseView, NarrowedLease, RoleSummary } from "../control-api/lease-contract.js";
import type { HeldCredentials } from "../core/credentials.js";
import type { BrokerError } from "../core/errors.js";
import { isMovable, type Lease } from "../core/lease.js";
import { describeScope, type LeaseScope } from "../core/lease-scope.js";
import { refreshWindows } from "../core/refresh-windows.js";
import type { Role } from "../core/role.js";
import type { ControlServices } from "./control-services.js";

/** An error as it goes over the wire. */
export function controlError({ code, message, hint }: BrokerError): ControlError {
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}

type LeaseViewServices = Pick<ControlServices, "leases" | "audit" | "credentials">;

/** A lease as it is shown, with the role it stands for now. */
export function leaseView(lease: Lease, services: LeaseViewServices): LeaseView {
  const { leases, audit } = services;
  const role = leases.roleOf(lease);
  const grant = lease.grants?.findLast((one) => one.role === role);
  const { id, kind, name, followsDefault, createdAt, expiresAt, lastUsedAt, holder, temporary } = lease;
  return {
    id,
    name: name ?? null,
    kind,
    role,
    followsDefault,
    createdAt,
    expiresAt,
    lastUsedAt,
    lastUsedBy: audit.holders.lastUserOf(id) ?? null,
    holderPid: holder?.pid ?? null,
    socket: lease.socket ?? null,
    temporary: temporary ?? null,
    ...scopeFields(lease, role, services),
    movable: isMovable(lease),
    grant: grant ? { until: grant.until, request: grant.request ?? null } : null,
  };
}

/** How, only where it is known: what cannot be narrowed so any more is told where it is asked for. */
function scopeFields(
  { scope }: Lease,
  role: string | null,
  { credentials }: LeaseViewServices,
): Pick<LeaseView, "scope" | "narrowedBy"> {
  if (!scope) return {};
  const steps = role === null ? undefined : credentials.peek(role, scope)?.role.narrowed?.steps;
  return { scope, ...(steps && { narrowedBy: steps }) };
}

/** A role as far as it is known now, narrowed where a scope is given; null: no role chosen. */
export function summaryOf({ credentials }: ControlServices, name: string | null, scope?: LeaseScope): RoleSummary {
  const known = name === null ? undefined : credentials.peek(name, scope);
  if (!known) return { role: name, roleArn: null, accountId: null, expiration: null };
  return { role: name, ...knownOf(known.role, known.held) };
}

/** ARN and account from the config, else from what is held; the expiration as advertised to clients. */
export function knownOf(narrowed: Role, held: HeldCredentials | undefined): Omit<RoleSummary, "role"> {
  const role = narrowed.narrowed?.base ?? narrowed;
  return {
    roleArn: role.assume?.roleArn ?? null,
    accountId: held?.credentials.accountId ?? accountInConfig(role) ?? null,
    expiration: held ? refreshWindows(held).advertisedExpiration : null,
  };
}

function accountInConfig({ sso, assume }: Role): string | undefined {
  return sso?.accountId ?? assume?.roleArn.split(":")[4];
}

/** For the record, whose line has what is left. */
export function narrowedText({ old, made }: NarrowedLease): string {
  const was = `it had ${old.scope ? describeScope(old.scope) : "all of its role"}`;
  return made.length === 0 ? was : `${was}; with it ${made.map(({ name, id }) => name ?? id).join(", ")}`;
}
