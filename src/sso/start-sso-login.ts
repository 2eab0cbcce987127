import type { SsoOidc } from "../aws/sso-oidc.js";
import { toBrokerError } from "../core/errors.js";
import type { SsoSource } from "../core/role.js";
import { sessionOf } from "../core/sso-session.js";
import type { Clock } from "../system/clock.js";
import { startAuthorizationCode } from "./authorization-code.js";
import type { ListenForCallback } from "./browser-answer.js";
import type { ClientRegistrations } from "./client-registrations.js";
import { startDeviceAuthorization } from "./device-authorization.js";
import type { RunningLogin } from "./login-attempt.js";
import type { TokenProvider } from "./token-provider.js";
import type { LoginFlow } from "./token-store.js";

export interface SsoLoginParts {
  readonly oidc: SsoOidc;
  readonly tokens: TokenProvider;
  readonly registrations: ClientRegistrations;
  readonly clock: Clock;
  readonly listen: ListenForCallback;
}

/** A login to Identity Center. A registration that it has forgotten is made anew, once. */
export function createStartSsoLogin(
  parts: SsoLoginParts,
): (source: SsoSource, flow: LoginFlow, signal: AbortSignal) => Promise<RunningLogin> {
  const { tokens, registrations } = parts;
  return async (source, flow, signal) => {
    const session = sessionOf(source);
    const attempt = {
      ...{ source: source.name, session, signal },
      accept: (token: Parameters<TokenProvider["accept"]>[1]) => tokens.accept(session, token),
      forgetClient: () => void registrations.forget(session, flow).catch(() => undefined),
    };
    const client = await registrations.obtain(session, flow);
    if (flow === "browser") return startAuthorizationCode({ ...attempt, client }, parts);
    try {
      return await startDeviceAuthorization({ ...attempt, client }, parts);
    } catch (error) {
      if (toBrokerError(error).signer !== "refused") throw error;
      await registrations.forget(session, flow);
      const another = await registrations.obtain(session, flow);
      return startDeviceAuthorization({ ...attempt, client: another }, parts);
    }
  };
}
