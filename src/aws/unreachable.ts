import { BrokerError } from "../core/errors.js";
import type { AwsFailure, FailedCall, SdkError } from "./aws-failure.js";
import { CALL_LIMIT_MS, CONNECT_LIMIT_MS } from "./time-limits.js";

const CAUSES: ReadonlyMap<string, string> = new Map([
  ["ECONNREFUSED", "connection refused"],
  ["ECONNRESET", "the connection was closed"],
  ["EPIPE", "the connection was closed"],
  ["ECONNABORTED", "the connection was closed"],
  ["ETIMEDOUT", "no connection in time"],
  ["EHOSTUNREACH", "no route to it"],
  ["ENETUNREACH", "no network"],
  ["ENETDOWN", "no network"],
  ["ENOTFOUND", "no such host name"],
  ["EAI_AGAIN", "the name server does not answer"],
  ["EMFILE", "too many open files"],
  ["ENFILE", "too many open files"],
]);

const NO_CONNECTION = `no connection within ${CONNECT_LIMIT_MS / 1000} s`;
const RETRYING = "wait, then try again: for roles in use the broker does so by itself";
const CHECK_ADDRESS = "check what stands at that address: `brokerctl status` lists custom endpoints and proxies";
/** Of OpenSSL and Node: certificate chains, names, dates, and what is no TLS at all. */
const TLS_CODE = /CERT|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|ERR_TLS|ERR_SSL|EPROTO|CRL|HOSTNAME_MISMATCH/;

/** Failures in which AWS itself did not speak: network, TLS, proxies, time, answers that are none. */
export function unreachable(error: SdkError, failure: AwsFailure, call: FailedCall): BrokerError {
  if (call.timedOut) {
    return notReached(failure, call, { why: `no answer within ${CALL_LIMIT_MS / 1000} s`, hint: RETRYING });
  }
  if (!call.sent) return refusedBySdk(failure, call);
  if (call.status !== undefined) return notFromAws(failure, call);
  const code = typeof error.code === "string" ? error.code : "";
  if (TLS_CODE.test(code)) {
    return notReached(failure, call, {
      why: `its TLS certificate or handshake is not accepted (${code})`,
      hint: "if your network or endpoint has an authority of its own, set AWS_CA_BUNDLE to it and `brokerctl restart`",
    });
  }
  // The SDK gives this name to closed connections too, but those have a code.
  const why = CAUSES.get(code) ?? (error.name === "TimeoutError" ? NO_CONNECTION : failure.message);
  return notReached(failure, call, {
    why: code === "" ? why : `${why} (${code})`,
    hint:
      code === "ENOTFOUND"
        ? `check the network, and that region ${call.region} exists`
        : `check the network; ${RETRYING}`,
  });
}

/** An answer with status 200 that must not be passed on: worth another try, like any failing upstream. */
export function unusableAnswer(action: string, host: string, what: string): BrokerError {
  return new BrokerError("AwsUnreachable", `${host} gave an answer to ${action} that cannot be used: ${what}`, {
    hint: CHECK_ADDRESS,
  });
}

interface Reason {
  readonly why: string;
  readonly hint: string;
}

function notReached(failure: AwsFailure, call: FailedCall, { why, hint }: Reason): BrokerError {
  const through = call.proxy === undefined ? "" : ` through proxy ${call.proxy}`;
  const message = `cannot reach ${call.host}${through} for ${call.action}: ${why}`;
  return new BrokerError("AwsUnreachable", message, { hint, cause: failure, retryAfterMs: call.retryAfterMs });
}

/** A page of a proxy or portal, a gateway's error, an answer cut off or garbled on the way. */
function notFromAws(failure: AwsFailure, call: FailedCall): BrokerError {
  if (call.status === 407) {
    return notReached(failure, call, {
      why: "the proxy wants a user name and password (status 407)",
      hint: "set HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT, then `brokerctl restart`",
    });
  }
  const status = call.status ?? 0;
  const why = status < 300 ? "its answer could not be read" : `it answered with status ${status} and no AWS error`;
  return notReached(failure, call, { why, hint: status >= 500 ? RETRYING : CHECK_ADDRESS });
}

/** Endpoint rules: a region without FIPS endpoints, a partition without dual stack. */
function refusedBySdk(failure: AwsFailure, call: FailedCall): BrokerError {
  const isEndpointRule = /endpoint|region|FIPS|DualStack|partition/i.test(failure.message);
  if (!isEndpointRule) {
    return new BrokerError("InternalError", `${call.action} could not be sent`, {
      hint: "brokerctl logs",
      cause: failure,
    });
  }
  return new BrokerError(
    "ConfigInvalid",
    `no endpoint for ${call.action} in region ${call.region}: ${failure.message}`,
    {
      hint: "check `region` in the config, AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT: `brokerctl config edit`",
      cause: failure,
    },
  );
}

/** What an answer holds is a text of this form. */
export function matches(value: unknown, pattern: RegExp): value is string {
  return typeof value === "string" && pattern.test(value);
}
