/** What the endpoint can answer: stable words that users and scripts rely on. */
export type EndpointErrorCode =
  // 403: who may not
  | "LeaseUnknown"
  | "LeaseEnded"
  | "RequestRefused"
  | "GuardRefused"
  // 400: cannot be served now, the user must act
  | "LoginRequired"
  | "MfaRequired"
  | "AssumeRoleDenied"
  | "RoleUnknown"
  | "NoRole"
  | "StoreLocked"
  | "KeyMissing"
  | "ConfigInvalid"
  | "AwsUnreachable"
  | "InternalError"
  // 503: ask again at once
  | "CredentialsPending";

/** What else the control plane and the programs can answer. */
export type LocalErrorCode =
  | "UsageInvalid" // a flag, name or value is wrong; exit 2
  | "SourceUnknown" // no such source in the config; exit 2
  | "NotSupported" // named in the interface, not in this version; exit 2
  | "FileRefused" // owner, mode or type of a file or directory is not safe; exit 2
  | "LeasePinned" // a lease that keeps its role; exit 5
  | "ScopeRefused" // a role cannot be narrowed so, or a scope would grow; exit 5
  | "RequestPending" // a person has not decided yet; exit 5
  | "RequestDenied" // a person or a rule said no, or it is too soon to ask again; exit 5
  | "NotFound" // AWS has no such function or role; exit 1
  | "AccessDenied" // AWS refuses a call that is no AssumeRole; exit 5
  | "PolicyUnfit" // a role's policies cannot be said as a session policy; exit 5
  | "Conflict" // the thing changed, exists or is in use already; exit 1
  | "SandboxUnavailable" // this machine cannot confine a command; exit 125 of exec
  | "StoreUnavailable" // the secret store cannot be read or written at all; exit 1
  | "DaemonUnreachable" // exit 3
  | "DaemonRunning"; // another daemon holds the state directory or the port; exit 1

export type BrokerErrorCode = EndpointErrorCode | LocalErrorCode;

export interface BrokerErrorOptions {
  /** The command or edit that fixes it, complete, e.g. `brokerctl login corp`. */
  readonly hint?: string | undefined;
  readonly cause?: unknown;
  /** Milliseconds the upstream asked us to wait (Retry-After). */
  readonly retryAfterMs?: number | undefined;
  /**
   * The upstream refused who signed, not what was asked: `expired` session credentials (fetch that hop anew and try once
   * more), or a `refused` key (inactive, deleted, wrong secret).
   */
  readonly signer?: "expired" | "refused" | undefined;
}

/** The one error class: lower-case message without final period that names the thing; the hint is the fix. */
export class BrokerError extends Error {
  override readonly name = "BrokerError";
  readonly code: BrokerErrorCode;
  readonly hint: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly signer: "expired" | "refused" | undefined;

  constructor(code: BrokerErrorCode, message: string, options: BrokerErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.retryAfterMs = options.retryAfterMs;
    this.signer = options.signer;
  }
}

/** Worth another try by itself: unreachable, throttled, failing upstream; everything else waits for the user. */
export function isRecoverable(error: BrokerError): boolean {
  return error.code === "AwsUnreachable" || error.code === "InternalError";
}

/** Anything thrown, as a BrokerError: unknown errors become `InternalError` with their cause kept. */
export function toBrokerError(error: unknown): BrokerError {
  if (error instanceof BrokerError) return error;
  return new BrokerError("InternalError", "an unexpected error occurred", { hint: "brokerctl logs", cause: error });
}
