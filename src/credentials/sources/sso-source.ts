import type { SsoPortal } from "../../aws/sso.js";
import type { HeldCredentials } from "../../core/credentials.js";
import { BrokerError, toBrokerError } from "../../core/errors.js";
import type { Role, SsoSource } from "../../core/role.js";
import { sessionOf } from "../../core/sso-session.js";
import type { TokenProvider } from "../../sso/token-provider.js";
import type { WithToken } from "../../sso/with-token.js";
import type { Clock } from "../../system/clock.js";
import type { SourceProvider, SourceReadiness } from "./source-provider.js";

export interface SsoSourceProviderOptions {
  readonly portal: SsoPortal;
  readonly tokens: TokenProvider;
  readonly withToken: WithToken;
  readonly clock: Clock;
}

/** `sso` sources: GetRoleCredentials with the login's access token. A retrieval never starts a login. */
export class SsoSourceProvider implements SourceProvider<SsoSource> {
  readonly #options: SsoSourceProviderOptions;

  constructor(options: SsoSourceProviderOptions) {
    this.#options = options;
  }

  /** Rejects with LoginRequired, with StoreLocked, or with AssumeRoleDenied where the role is not assigned. */
  async retrieve(source: SsoSource, role: Role): Promise<HeldCredentials> {
    const { sso } = role;
    if (!sso) throw new BrokerError("ConfigInvalid", `role ${role.name} has no sso_account_id and sso_role_name`);
    const { portal, withToken, clock } = this.#options;
    try {
      const credentials = await withToken(source, (token) => portal.getRoleCredentials(token, sso, source.ssoRegion));
      return { credentials: { ...credentials, accountId: sso.accountId }, receivedAt: clock.now() };
    } catch (error) {
      throw explain(toBrokerError(error), source.name);
    }
  }

  async readiness(source: SsoSource): Promise<SourceReadiness> {
    const { isLoggedIn, expiresAt, end } = await this.#options.tokens.readiness(sessionOf(source));
    return { needs: isLoggedIn ? undefined : "LoginRequired", expiresAt, end };
  }
}

/** The hint lists what the login may use. */
function explain(error: BrokerError, source: string): BrokerError {
  if (error.code !== "AssumeRoleDenied") return error;
  return new BrokerError(error.code, error.message, { hint: `brokerctl sso roles ${source}`, cause: error });
}
