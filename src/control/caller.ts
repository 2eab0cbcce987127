import type { IncomingHttpHeaders } from "node:http";
import type { Caller } from "../audit/audit-event.js";
import { LEASE_HEADER, PID_HEADER } from "../control-api/contract.js";
import { toBrokerError } from "../core/errors.js";
import { LEASE_TOKEN_PATTERN } from "../core/lease.js";
import type { ControlServices } from "./control-services.js";

/** The kernel's own limit. */
const MAX_PID = 4_194_304;

/**
 * Who says to have sent a control request: its process, and the lease whose token its variables hold. Neither is proved, and
 * a program can leave both out; a token that names no live lease is on record as that, and never in the way.
 */
export function callerOf(headers: IncomingHttpHeaders, { leases }: Pick<ControlServices, "leases">): Caller {
  const pid = pidIn(headers[PID_HEADER]);
  const token = headers[LEASE_HEADER];
  return { ...(pid !== undefined && { pid }), ...(token !== undefined && leaseOf(token, leases)) };
}

function pidIn(value: string | string[] | undefined): number | undefined {
  const pid = typeof value === "string" && /^\d{1,7}$/.test(value) ? Number(value) : 0;
  return pid > 0 && pid <= MAX_PID ? pid : undefined;
}

function leaseOf(token: string | string[], leases: ControlServices["leases"]): Pick<Caller, "lease" | "leaseProblem"> {
  if (typeof token !== "string" || !LEASE_TOKEN_PATTERN.test(token)) return { leaseProblem: "malformed" };
  try {
    return { lease: leases.resolve(token) };
  } catch (error) {
    const { code } = toBrokerError(error);
    return { leaseProblem: code === "LeaseEnded" || code === "LeaseUnknown" ? code : "StoreUnavailable" };
  }
}
