import { BrokerError } from "../core/errors.js";

/** A login that came to nothing; the hint starts another one. */
export function loginFailed(source: string, why: string, cause?: unknown): BrokerError {
  return new BrokerError("LoginRequired", `the login to ${source} ${why}`, {
    hint: `brokerctl login ${source}`,
    cause,
  });
}

/** No login is there: the error that clients and commands get. */
export function loginRequired(source: string): BrokerError {
  return new BrokerError("LoginRequired", `source ${source} needs a login`, { hint: `brokerctl login ${source}` });
}
