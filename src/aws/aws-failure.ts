import { withoutSecrets } from "./without-secrets.js";

/** What is known about a call that failed. */
export interface FailedCall {
  /** The API operation, e.g. AssumeRole. */
  readonly action: string;
  /** Of the endpoint, with its port where it is not the usual one. */
  readonly host: string;
  readonly region: string;
  /** What the call was about: a role's ARN, a key id. */
  readonly subject?: string;
  /** `none`: the call is not signed; what proves the caller is in it. */
  readonly signedBy: "key" | "session" | "none";
  /** Our own deadline ended it. */
  readonly timedOut: boolean;
  /** A request was made; false: the SDK refused its input before. */
  readonly sent: boolean;
  /** HTTP status; absent: no answer came. */
  readonly status?: number;
  readonly proxy?: string;
  readonly retryAfterMs?: number;
}

/** What we read of the SDK's errors; all of it comes from outside. */
export interface SdkError {
  readonly name?: unknown;
  readonly message?: unknown;
  /** AWS's code, or the system's for network errors. */
  readonly Code?: unknown;
  readonly code?: unknown;
  /** Set by the SDK on what it read as an error of the service. */
  readonly $fault?: unknown;
  /** The text of OAuth errors (RFC 6749 §5.2). */
  readonly error_description?: unknown;
  readonly $metadata?: { readonly requestId?: unknown; readonly clockSkewCorrected?: unknown };
}

/**
 * The `cause` of a BrokerError from here. The SDK's own error is not kept: it carries the request with its
 * authorization header, and the answer with its credentials.
 */
export class AwsFailure extends Error {
  override readonly name = "AwsFailure";
  readonly awsCode: string | undefined;
  readonly status: number | undefined;
  readonly requestId: string | undefined;

  constructor(error: SdkError, status: number | undefined) {
    super(messageOf(error));
    this.awsCode = awsCodeOf(error);
    this.status = status;
    this.requestId = textOf(error.$metadata?.requestId);
  }
}

/** AWS's code without the suffix that some protocols add. JSON protocols leave it in the error's name alone. */
export function awsCodeOf(error: SdkError): string | undefined {
  const code = textOf(error.Code) ?? (error.$fault === undefined ? undefined : nameOf(error));
  return code !== undefined && /^[\w.:]{1,100}$/.test(code) ? code.replace(/Exception$/, "") : undefined;
}

export function isSdkError(value: unknown): value is SdkError {
  return typeof value === "object" && value !== null;
}

/** `Unknown`: a status without a code. */
function nameOf({ name }: SdkError): string | undefined {
  return name === "Unknown" ? undefined : textOf(name);
}

function messageOf(error: SdkError): string {
  return withoutSecrets(textOf(error.error_description) ?? textOf(error.message) ?? "no message");
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
