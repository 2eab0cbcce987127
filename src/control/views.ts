import type { ControlError, LeaseView } from "../control-api/contract.js";
import type { BrokerError } from "../core/errors.js";
import type { Lease } from "../core/lease.js";

export function controlError({ code, message, hint }: BrokerError): ControlError {
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}

/** A lease as it is shown, with the role it stands for now. */
export function leaseView(lease: Lease, role: string | null): LeaseView {
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
    holderPid: holder?.pid ?? null,
    temporary: temporary ?? null,
  };
}
