import type { BrokerErrorCode } from "../core/errors.js";

const STATUS: Partial<Record<BrokerErrorCode, number>> = {
  UsageInvalid: 400,
  RequestRefused: 403,
  GuardRefused: 403,
  LeasePinned: 403,
  ScopeRefused: 403,
  RequestPending: 403,
  RequestDenied: 403,
  Conflict: 409,
  NotSupported: 501,
  InternalError: 500,
  CredentialsPending: 503,
};

/** Of an error's answer, on the control socket and to a page; the code is what tells them apart. */
export function controlStatus(code: BrokerErrorCode): number {
  return STATUS[code] ?? 422;
}
