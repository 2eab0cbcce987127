import { BrokerError, toBrokerError } from "../core/errors.js";
import type { SsoSource } from "../core/role.js";
import type { Secret } from "../core/secret.js";
import { sessionOf } from "../core/sso-session.js";
import type { TokenProvider } from "./token-provider.js";

/** Calls the portal with the source's access token; LoginRequired where there is none that it accepts. */
export type WithToken = <T>(source: SsoSource, call: (accessToken: Secret) => Promise<T>) => Promise<T>;

/**
 * A token that the portal refuses before its end (an administrator ended the session, or a clock differs) is renewed
 * once; if that is refused too, it is dropped and not used again.
 */
export function createWithToken(tokens: TokenProvider): WithToken {
  return async (source, call) => {
    const session = sessionOf(source);
    const token = await tokens.current(session);
    if (!token) throw loginRequired(source.name);
    try {
      return await call(token.accessToken);
    } catch (error) {
      if (toBrokerError(error).code !== "LoginRequired") throw error;
    }
    const renewed = await tokens.replaceRefused(session, token);
    if (!renewed) throw loginRequired(source.name);
    try {
      return await call(renewed.accessToken);
    } catch (error) {
      if (toBrokerError(error).code !== "LoginRequired") throw error;
      await tokens.dropRefused(session, renewed);
      throw loginRequired(source.name);
    }
  };
}

/** No login is there: the error that clients and commands get. */
function loginRequired(source: string): BrokerError {
  return new BrokerError("LoginRequired", `source ${source} needs a login`, { hint: `brokerctl login ${source}` });
}
