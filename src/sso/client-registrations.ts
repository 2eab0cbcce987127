import type { ClientRegistration, OidcGrantType, SsoOidc } from "../aws/sso-oidc.js";
import type { SsoSession } from "../core/sso-session.js";
import type { Clock } from "../system/clock.js";
import type { LoginFlow, TokenStore } from "./token-store.js";

/** What the consent page calls us. */
const CLIENT_NAME = "credbroker";
/** Without a port: at login the port of the callback listener is free to choose (RFC 8252 §7.3). */
const REDIRECT_URI = "http://127.0.0.1/oauth/callback";
/** As the AWS CLI: a registration that ends sooner could end in the middle of a login (sdk-contract §16.3). */
const MIN_LIFE_MS = 15 * 60_000;

const GRANTS: Readonly<Record<LoginFlow, readonly OidcGrantType[]>> = {
  browser: ["authorization_code", "refresh_token"],
  device: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
};

/** Our public OAuth clients, one for each session and flow, registered when first needed and then kept. */
export class ClientRegistrations {
  readonly #parts: { readonly oidc: SsoOidc; readonly store: TokenStore; readonly clock: Clock };

  constructor(parts: { readonly oidc: SsoOidc; readonly store: TokenStore; readonly clock: Clock }) {
    this.#parts = parts;
  }

  /** One that lives for at least 15 minutes. */
  async obtain(session: SsoSession, flow: LoginFlow): Promise<ClientRegistration> {
    const { oidc, store, clock } = this.#parts;
    const kept = await store.client(session, flow);
    if (kept && kept.expiresAt - clock.now() >= MIN_LIFE_MS) return kept;
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
}
