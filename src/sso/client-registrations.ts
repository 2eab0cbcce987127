import type { ClientRegistration, OidcGrantType, SsoOidc } from "../aws/sso-oidc.js";
import type { SsoSession } from "../core/sso-session.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import type { LoginFlow, TokenStore } from "./token-store.js";

/** What the consent page calls us. */
const CLIENT_NAME = "credbroker";
/** Without a port: at login the port of the callback listener is free to choose (RFC 8252 §7.3). */
const REDIRECT_URI = "http://127.0.0.1/oauth/callback";
/**
 * A login is renewed as the client that it was granted to, and no longer than that is registered (90 days): the AWS CLI's
 * 15 minutes before the end would keep a login of minutes. From here on a login registers anew, and one that is older is
 * reported: time enough for a user who was away for a few days.
 */
const ENDS_SOON_MS = 7 * 24 * 60 * 60_000;

const GRANTS: Readonly<Record<LoginFlow, readonly OidcGrantType[]>> = {
  browser: ["authorization_code", "refresh_token"],
  device: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
};

export interface ClientRegistrationsParts {
  readonly oidc: SsoOidc;
  readonly store: TokenStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Our public OAuth clients, one for each session and flow, registered when first needed and then kept. */
export class ClientRegistrations {
  readonly #parts: ClientRegistrationsParts;

  constructor(parts: ClientRegistrationsParts) {
    this.#parts = parts;
  }

  /** One that was kept, if it does not end within seven days. */
  async obtain(session: SsoSession, flow: LoginFlow): Promise<ClientRegistration> {
    const { oidc, store, clock } = this.#parts;
    const kept = await store.client(session, flow);
    if (kept && kept.expiresAt - clock.now() > ENDS_SOON_MS) return kept;
    const client = await oidc.registerClient(
      {
        clientName: CLIENT_NAME,
        issuerUrl: session.startUrl,
        scopes: session.scopes,
        grantTypes: GRANTS[flow],
        ...(flow === "browser" && { redirectUris: [REDIRECT_URI] }),
      },
      session.region,
    );
    await store.putClient(session, flow, client);
    return client;
  }

  /** Identity Center does not know it any more, or may not. */
  async forget(session: SsoSession, flow: LoginFlow): Promise<void> {
    await this.#parts.store.deleteClient(session, flow);
  }

  /**
   * Epoch milliseconds: when this session's login can be renewed no more, if that is soon. Undefined: not soon, it is never
   * renewed, or a login is required as it is. Rejects with StoreLocked.
   */
  async renewableUntil(session: SsoSession): Promise<number | undefined> {
    const now = this.#parts.clock.now();
    const token = await this.#parts.store.token(session);
    if (token?.refreshToken === undefined || now >= Math.max(token.expiresAt, token.client.expiresAt)) return undefined;
    return token.client.expiresAt - now <= ENDS_SOON_MS ? token.client.expiresAt : undefined;
  }

  /** Daily: registrations that have ended go, logins that cannot be renewed for long stand in the log. Rejects with StoreLocked. */
  async check(sessions: Iterable<SsoSession>): Promise<void> {
    const { store, clock, logger } = this.#parts;
    const deleted = await store.deleteEndedClients(clock.now());
    if (deleted > 0) logger.info({ deleted }, "client registrations ended");
    for (const session of sessions) {
      const renewableUntil = await this.renewableUntil(session);
      if (renewableUntil === undefined) continue;
      logger.warn({ session: session.startUrl, renewableUntil }, "login cannot be renewed for long, log in again");
    }
  }
}
