import { BrokerError, type BrokerErrorCode, type BrokerErrorOptions } from "../core/errors.js";
import { AwsFailure, awsCodeOf, type FailedCall, isSdkError, type SdkError } from "./aws-failure.js";
import { unreachable } from "./unreachable.js";

/** What a refusal of AWS's is; undefined leaves it to the rules that hold for every service. */
export type Explain = (failure: AwsFailure, call: FailedCall) => BrokerError | undefined;

/** The one place where failures of AWS calls are classified; `explain` knows the codes of one service. */
export function awsError(error: unknown, call: FailedCall, explain?: Explain): BrokerError {
  if (error instanceof BrokerError) return error;
  const sdkError = isSdkError(error) ? error : {};
  const failure = new AwsFailure(sdkError, call.status);
  const { awsCode, status } = failure;
  // Without AWS's own code the answer is not AWS's: none came, or a proxy's page, or a cut-off body.
  if (call.timedOut || awsCode === undefined || status === undefined || status < 400) {
    return unreachable(sdkError, failure, call);
  }
  return explain?.(failure, call) ?? refusedByAws(failure, call);
}

/** The signature or its time was refused: the call itself was not looked at. */
export function isSignatureRefused(error: unknown): error is SdkError {
  return isSdkError(error) && SIGNATURE_CODES.includes(awsCodeOf(error) ?? "");
}

const SIGNATURE_CODES = [
  "SignatureDoesNotMatch",
  "InvalidSignature",
  "RequestTimeTooSkewed",
  "RequestExpired",
  "RequestInTheFuture",
];

function refusedByAws(failure: AwsFailure, call: FailedCall): BrokerError {
  const rule = RULES.find(({ codes }) => codes.includes(failure.awsCode ?? ""));
  if (rule) return rule.explain(failure, call);
  return isFailingStatus(failure.status ?? 0) ? failing(failure, call) : unknownRefusal(failure, call);
}

interface Rule {
  readonly codes: readonly string[];
  readonly explain: (failure: AwsFailure, call: FailedCall) => BrokerError;
}

const RULES: readonly Rule[] = [
  {
    codes: [
      "Throttling",
      "Throttled",
      "ThrottledRequest",
      "RequestThrottled",
      "RequestLimitExceeded",
      "TooManyRequests",
      "SlowDown",
      "BandwidthLimitExceeded",
      "PriorRequestNotComplete",
    ],
    explain: throttled,
  },
  {
    codes: ["InternalFailure", "InternalError", "ServiceUnavailable", "RequestTimeout", "IDPCommunicationError"],
    explain: failing,
  },
  { codes: SIGNATURE_CODES, explain: (failure, call) => clockRefused(failure, call) ?? signerRefused(failure, call) },
  {
    codes: [
      "ExpiredToken",
      "TokenRefreshRequired",
      "InvalidClientTokenId",
      "UnrecognizedClient",
      "MissingAuthenticationToken",
    ],
    explain: signerRefused,
  },
  {
    codes: ["AccessDenied", "UnauthorizedOperation", "NotAuthorized", "AuthFailure", "Forbidden"],
    explain: (failure, call) => codeRefused(failure, call) ?? denied(failure, call),
  },
  { codes: ["RegionDisabled"], explain: regionDisabled },
  {
    codes: [
      "ValidationError",
      "Validation",
      "InvalidParameterValue",
      "InvalidParameterCombination",
      "MissingParameter",
    ],
    explain: invalidField,
  },
  { codes: ["MalformedPolicyDocument"], explain: (failure, call) => fieldRefused("policy", failure, call) },
  {
    codes: ["PackedPolicyTooLarge"],
    explain: packedTooLarge,
  },
  {
    codes: ["NoSuchEntity", "LimitExceeded", "EntityAlreadyExists", "EntityTemporarilyUnmodifiable", "DeleteConflict"],
    explain: conflict,
  },
];

const WAIT = "wait, then try again: for roles in use the broker does so by itself";

function throttled(failure: AwsFailure, call: FailedCall): BrokerError {
  const options = { failure, retryAfterMs: call.retryAfterMs, hint: WAIT };
  return refusal("AwsUnreachable", `${call.host} throttles ${call.action}`, options);
}

function failing(failure: AwsFailure, call: FailedCall): BrokerError {
  const options = { failure, retryAfterMs: call.retryAfterMs, hint: WAIT };
  return refusal("AwsUnreachable", `${call.host} fails at ${call.action} (${failure.awsCode ?? "no code"})`, options);
}

/** Corrected once already from the answer's Date header; without one only the user can. */
function clockRefused(failure: AwsFailure, call: FailedCall): BrokerError | undefined {
  if (!/signature expired|not yet current|too skewed|request.*(expired|future)/i.test(failure.message))
    return undefined;
  return refusal("AwsUnreachable", `${call.host} refuses the time of this computer's clock`, {
    failure,
    hint: "set the clock, e.g. `sudo timedatectl set-ntp true`",
  });
}

/**
 * Temporary credentials are fetched anew, so their refusal is no verdict about the role. AWS's text is left out:
 * for signatures it may quote the whole request.
 */
function signerRefused(failure: AwsFailure, call: FailedCall): BrokerError {
  const why = `(${failure.awsCode ?? "refused"})`;
  if (call.signedBy === "session") {
    return refusal("AwsUnreachable", `AWS no longer accepts the session that signs ${what(call)} ${why}`, {
      failure,
      signer: "expired",
      hint: "brokerctl refresh",
    });
  }
  return refusal("AssumeRoleDenied", `AWS does not accept the access key that signs ${what(call)} ${why}`, {
    failure,
    signer: "refused",
    hint: "check that the key is active and of this partition, then store it anew: `brokerctl keys add SOURCE`",
  });
}

function codeRefused(failure: AwsFailure, call: FailedCall): BrokerError | undefined {
  if (!/MultiFactorAuthentication failed|MFA (code|serial)|one time pass code/i.test(failure.message)) return undefined;
  return mfaRefused(failure, call);
}

function mfaRefused(failure: AwsFailure, call: FailedCall): BrokerError {
  return refusal("MfaRequired", `AWS refuses the MFA code or device of ${what(call)}: ${failure.message}`, {
    failure,
    hint: "wait for the next code (each works once), check mfa_serial, then `brokerctl login`",
  });
}

function denied(failure: AwsFailure, call: FailedCall): BrokerError {
  const hint =
    call.action === "AssumeRole"
      ? "check that the role exists and that its trust policy admits the caller: `brokerctl whoami`"
      : `check that the caller's policies allow ${call.action}: \`brokerctl whoami\``;
  return refusal("AssumeRoleDenied", `AWS denies ${what(call)}: ${failure.message}`, { failure, hint });
}

function regionDisabled(failure: AwsFailure, call: FailedCall): BrokerError {
  return refusal("ConfigInvalid", `STS is not enabled in region ${call.region} for this account`, {
    failure,
    hint: "set another `region`: `brokerctl config edit`, or enable the region in the account",
  });
}

/** STS names the member in the text only: "Value '60' at 'durationSeconds' failed to satisfy constraint". */
function invalidField(failure: AwsFailure, call: FailedCall): BrokerError {
  const member = /\bat '([\w.]+)'/.exec(failure.message)?.[1]?.split(".")[0];
  if (member === "tokenCode" || member === "serialNumber") return mfaRefused(failure, call);
  if (/DurationSeconds|MaxSessionDuration|session limit/i.test(failure.message)) {
    return fieldRefused(
      call.action === "GetSessionToken" ? "session_duration_seconds" : "duration_seconds",
      failure,
      call,
    );
  }
  return fieldRefused(member === undefined ? "a parameter" : configKey(member), failure, call);
}

function fieldRefused(field: string, failure: AwsFailure, call: FailedCall): BrokerError {
  return refusal("ConfigInvalid", `AWS refuses ${field} of ${what(call)}: ${failure.message}`, {
    failure,
    hint: `change ${field}: \`brokerctl config edit\``,
  });
}

/** AWS packs policies and tags in a form of its own, whose size is not known before the call. */
function packedTooLarge(failure: AwsFailure, call: FailedCall): BrokerError {
  return refusal("ConfigInvalid", `AWS refuses policy, policy_arns or tags of ${what(call)}: ${failure.message}`, {
    failure,
    hint: "shorten them: `brokerctl config edit`; for a Lambda function with --mode session-policy, take --mode assume",
  });
}

function conflict(failure: AwsFailure, call: FailedCall): BrokerError {
  return refusal("Conflict", `AWS refuses ${what(call)}: ${failure.message}`, {
    failure,
    hint: "look at the user's access keys in the IAM console (AWS allows two), then try again",
  });
}

/** A refusal that we have no rule for is permanent: asking again would only repeat it. */
function unknownRefusal(failure: AwsFailure, call: FailedCall): BrokerError {
  const text = `AWS refuses ${what(call)}: ${failure.awsCode ?? ""} ${failure.message}`;
  return refusal("AssumeRoleDenied", text, { failure, hint: "brokerctl logs" });
}

type RefusalOptions = Omit<BrokerErrorOptions, "cause"> & { readonly failure: AwsFailure };

function refusal(code: BrokerErrorCode, message: string, { failure, ...options }: RefusalOptions): BrokerError {
  return new BrokerError(code, message, { ...options, cause: failure });
}

function what({ action, subject }: FailedCall): string {
  return subject === undefined ? action : `${action} of ${subject}`;
}

function configKey(member: string): string {
  return member.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function isFailingStatus(status: number): boolean {
  return status >= 500 || status === 429 || status === 408;
}
