import type { AuthorizationCodes } from "./authorization-codes.js";
import type { DeviceAuthorizations } from "./device-authorizations.js";
import { type Parameters, text } from "./parameters.js";
import { DEVICE_GRANT, type Registration, type Registrations, requireGrant } from "./registrations.js";
import type { Sessions, Tokens } from "./sessions.js";
import { type Answer, jsonAnswer, SsoRefusal } from "./sso-refusal.js";

export type OidcAction = "RegisterClient" | "StartDeviceAuthorization" | "CreateToken";

export interface OidcOptions {
  readonly now: () => number;
  readonly registrations: Registrations;
  readonly deviceAuthorizations: DeviceAuthorizations;
  readonly authorizationCodes: AuthorizationCodes;
  readonly sessions: Sessions;
  /** Where a browser reaches the verification page. */
  readonly verificationUrl: () => string;
}

/** The OIDC API, 2019-06-10: JSON in and out. */
export class Oidc {
  readonly #options: OidcOptions;

  constructor(options: OidcOptions) {
    this.#options = options;
  }

  perform(action: OidcAction, body: Parameters): Answer {
    switch (action) {
      case "RegisterClient":
        return jsonAnswer(this.#register(body));
      case "StartDeviceAuthorization":
        return jsonAnswer(this.#startDeviceAuthorization(body));
      case "CreateToken":
        return jsonAnswer(tokenAnswer(this.#createToken(body)));
    }
  }

  #register(body: Parameters): object {
    const now = this.#options.now();
    const { clientId, clientSecret, expiresAt } = this.#options.registrations.register(body, now);
    return {
      clientId,
      clientSecret,
      clientIdIssuedAt: Math.floor(now / 1000),
      clientSecretExpiresAt: expiresAt / 1000,
      authorizationEndpoint: null,
      tokenEndpoint: null,
    };
  }

  #startDeviceAuthorization(body: Parameters): object {
    const { registrations, deviceAuthorizations, now, verificationUrl } = this.#options;
    const registration = registrations.authenticate(body, now());
    requireGrant(registration, DEVICE_GRANT);
    const started = deviceAuthorizations.start(registration, text(body, "startUrl"));
    return {
      deviceCode: started.deviceCode,
      userCode: started.userCode,
      verificationUri: verificationUrl(),
      verificationUriComplete: `${verificationUrl()}?user_code=${started.userCode}`,
      expiresIn: Math.floor((started.expiresAt - now()) / 1000),
      interval: started.intervalMs / 1000,
    };
  }

  #createToken(body: Parameters): Tokens {
    const { registrations, sessions, deviceAuthorizations, authorizationCodes, now } = this.#options;
    const registration: Registration = registrations.authenticate(body, now());
    const grantType = text(body, "grantType");
    switch (grantType) {
      case DEVICE_GRANT:
        requireGrant(registration, grantType);
        return sessions.open(deviceAuthorizations.redeem(registration, text(body, "deviceCode")), registration);
      case "authorization_code": {
        requireGrant(registration, grantType);
        const { user, scopes } = authorizationCodes.redeem(registration, body);
        return sessions.open(user, registration, scopes);
      }
      case "refresh_token":
        requireGrant(registration, grantType);
        return sessions.refresh(registration, text(body, "refreshToken"));
      default:
        throw new SsoRefusal("UnsupportedGrantTypeException", `Unsupported grant type: ${grantType}`);
    }
  }
}

function tokenAnswer({ accessToken, expiresInSeconds, refreshToken }: Tokens): object {
  return {
    accessToken,
    tokenType: "Bearer",
    expiresIn: expiresInSeconds,
    refreshToken: refreshToken ?? null,
    idToken: null,
  };
}
