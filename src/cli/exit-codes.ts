import type { BrokerErrorCode } from "../core/errors.js";

/** What scripts rely on: the numbers keep their meaning. */
export const EXIT = { done: 0, failed: 1, usage: 2, unreachable: 3, needsPerson: 4, refused: 5 } as const;
/** Of commands that run another one, as env(1), timeout(1) and docker have it. */
export const EXEC_EXIT = { ownFailure: 125, notExecutable: 126, notFound: 127 } as const;
/** The same in words, for their help. */
export const EXEC_EXIT_TEXT = [
  "of CMD, when it ran; death by signal is repeated",
  "125 brokerctl itself failed · 126 CMD cannot be run · 127 CMD not found",
] as const;

const BY_CODE: Partial<Record<BrokerErrorCode, number>> = {
  UsageInvalid: EXIT.usage,
  SourceUnknown: EXIT.usage,
  RoleUnknown: EXIT.usage,
  LeaseUnknown: EXIT.usage,
  NoRole: EXIT.usage,
  NotSupported: EXIT.usage,
  FileRefused: EXIT.usage,
  ConfigInvalid: EXIT.usage,
  DaemonUnreachable: EXIT.unreachable,
  LoginRequired: EXIT.needsPerson,
  MfaRequired: EXIT.needsPerson,
  StoreLocked: EXIT.needsPerson,
  GuardRefused: EXIT.refused,
  LeasePinned: EXIT.refused,
  ScopeRefused: EXIT.refused,
  RequestPending: EXIT.refused,
  RequestDenied: EXIT.refused,
  RequestRefused: EXIT.refused,
  AssumeRoleDenied: EXIT.refused,
  AccessDenied: EXIT.refused,
  PolicyUnfit: EXIT.refused,
};

export function exitCodeOf(code: BrokerErrorCode): number {
  return BY_CODE[code] ?? EXIT.failed;
}

/**
 * Of a command that passes another one's exit code: 125 tells our failure from that one's. Three things keep their own
 * code, since they show before anything ran: wrong usage, a login that is missing, and what a guard, a pin or a scope refuses.
 */
export function execExitCodeOf(code: BrokerErrorCode): number {
  const isUsage = code === "UsageInvalid" || code === "NotSupported";
  const keeps = isUsage || exitCodeOf(code) === EXIT.needsPerson || REFUSED_HERE.includes(code);
  return keeps ? exitCodeOf(code) : EXEC_EXIT.ownFailure;
}

const REFUSED_HERE: readonly BrokerErrorCode[] = ["GuardRefused", "LeasePinned", "ScopeRefused"];
