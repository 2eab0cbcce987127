import type { Secret } from "../core/secret.js";

/** A public OAuth client of one Identity Center instance (RFC 7591); kept until shortly before it ends. */
export interface ClientRegistration {
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

export type OidcGrantType = "authorization_code" | "urn:ietf:params:oauth:grant-type:device_code" | "refresh_token";

export interface ClientRegistrationRequest {
  readonly clientName: string;
  /** The start URL. */
  readonly issuerUrl: string;
  readonly scopes: readonly string[];
  readonly grantTypes: readonly OidcGrantType[];
  /** Loopback, without a port (RFC 8252 §7.3). */
  readonly redirectUris?: readonly string[];
}

/** RFC 8628 §3.2 */
export interface DeviceAuthorization {
  readonly deviceCode: Secret;
  /** What the user compares or types. */
  readonly userCode: string;
  readonly verificationUri: string;
  readonly verificationUriComplete: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  readonly intervalSeconds: number;
}

export type TokenGrant =
  | { readonly kind: "device"; readonly deviceCode: Secret }
  | {
      readonly kind: "authorization_code";
      readonly code: Secret;
      /** With its port, as the browser was sent there. */
      readonly redirectUri: string;
      /** RFC 7636 §4.1 */
      readonly codeVerifier: Secret;
    }
  | { readonly kind: "refresh"; readonly refreshToken: Secret };

/** Refusals that belong to the flow are values; unreachable, throttled and failing upstreams reject with AwsUnreachable. */
export type TokenOutcome =
  | {
      readonly outcome: "granted";
      readonly accessToken: Secret;
      /** Absent: none was granted, and a former one is not to be used again: the AWS CLI drops it, too. */
      readonly refreshToken?: Secret;
      /** Epoch milliseconds. */
      readonly expiresAt: number;
    }
  | { readonly outcome: "pending" | "slow_down" | "expired" | "invalid_client" }
  | { readonly outcome: "denied" | "invalid_grant"; readonly message: string };

/** Identity Center's OIDC endpoints (unsigned). `region` is the sso_region. */
export interface SsoOidc {
  registerClient(request: ClientRegistrationRequest, region: string): Promise<ClientRegistration>;
  startDeviceAuthorization(
    client: ClientRegistration,
    request: { readonly startUrl: string },
    region: string,
  ): Promise<DeviceAuthorization>;
  createToken(client: ClientRegistration, grant: TokenGrant, region: string): Promise<TokenOutcome>;
  /** Where the browser is sent: GET /authorize, which AWS's models do not have and the AWS CLI calls; no request is made. */
  authorizeUrl(parameters: Readonly<Record<string, string>>, region: string): Promise<string>;
}
