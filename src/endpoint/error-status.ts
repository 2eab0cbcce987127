import { BrokerError, type BrokerErrorCode, type EndpointErrorCode } from "../core/errors.js";
import { errorAnswer, type JsonAnswer } from "../http/json-answer.js";

/** 4xx, because SDKs retry 5xx and 429; 503 alone asks them to. */
const STATUS: Readonly<Record<EndpointErrorCode, 403 | 400 | 503>> = {
  LeaseUnknown: 403,
  LeaseEnded: 403,
  RequestRefused: 403,
  GuardRefused: 403,
  LoginRequired: 400,
  MfaRequired: 400,
  AssumeRoleDenied: 400,
  RoleUnknown: 400,
  NoRole: 400,
  StoreLocked: 400,
  KeyMissing: 400,
  ConfigInvalid: 400,
  AwsUnreachable: 400,
  InternalError: 400,
  CredentialsPending: 503,
};

export function statusOf(code: EndpointErrorCode): 403 | 400 | 503 {
  return STATUS[code];
}

/** The error as the data plane may say it: what only the control plane has a word for keeps its text. */
export function endpointError(error: BrokerError): BrokerError & { readonly code: EndpointErrorCode } {
  if (hasEndpointCode(error)) return error;
  const { message, hint, code } = error;
  if (code === "ScopeRefused") {
    return new BrokerError("GuardRefused", message, { hint, cause: error }) as BrokerError & {
      readonly code: "GuardRefused";
    };
  }
  const internal = new BrokerError("InternalError", message, { hint: hint ?? "brokerctl status", cause: error });
  return internal as BrokerError & { readonly code: "InternalError" };
}

/** The whole answer to an error of ours. */
export function endpointAnswer(thrown: BrokerError): JsonAnswer {
  const error = endpointError(thrown);
  return errorAnswer(error, statusOf(error.code));
}

function hasEndpointCode(error: BrokerError): error is BrokerError & { readonly code: EndpointErrorCode } {
  const code: BrokerErrorCode = error.code;
  return Object.hasOwn(STATUS, code);
}
