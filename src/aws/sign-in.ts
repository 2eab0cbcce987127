import type { Credentials } from "../core/credentials.js";
import type { Secret } from "../core/secret.js";

/** A page of the console. */
export interface ConsolePage {
  /** Of the role: its partition is the page's. */
  readonly homeRegion: string;
  /** What the page shows. */
  readonly region: string;
  /** As the AWS CLI or the console's URLs call it; absent: the console's home. */
  readonly service?: string | undefined;
}

/** What a login to the console is exchanged for credentials by. `clientId`: which of AWS's own clients we are. */
export type SignInGrant = { readonly clientId: string } & (
  | {
      readonly kind: "authorization_code";
      readonly code: Secret;
      /** As the browser was sent there. */
      readonly redirectUri: string;
      /** RFC 7636 §4.1 */
      readonly codeVerifier: Secret;
    }
  | { readonly kind: "refresh"; readonly refreshToken: Secret }
);

/** Refusals that belong to the login are values; unreachable, throttled and failing upstreams reject with AwsUnreachable. */
export type SignInOutcome =
  | {
      readonly outcome: "granted";
      readonly credentials: Credentials;
      /** In place of the one before, which is spent. */
      readonly refreshToken: Secret;
      /** ARN of who logged in; absent where the answer does not say, as in renewals. */
      readonly loginSession?: string;
    }
  /** Its time is over, or it was ended; its user's password changed; it was never right. */
  | { readonly outcome: "ended" | "changed" | "invalid" }
  /** The user lacks `signin:CreateOAuth2Token`, which SignInLocalDevelopmentAccess has. */
  | { readonly outcome: "not_allowed" };

/** AWS Sign-In, in the region and partition that are named. */
export interface SignIn {
  /** The page's URL; no request is made. Rejects with UsageInvalid where the regions are of two partitions. */
  consoleUrl(page: ConsolePage): Promise<string>;
  /**
   * A URL that signs a browser in to the page as whose the credentials are; good for 15 minutes. `sessionSeconds` absent: as long
   * as the credentials live.
   */
  federate(
    credentials: Credentials,
    page: ConsolePage & { readonly sessionSeconds?: number | undefined },
  ): Promise<Secret>;
  /** Where the browser of a login is sent; no request is made. */
  authorizeUrl(parameters: Readonly<Record<string, string>>, region: string): Promise<string>;
  /** The page that shows a code to be typed elsewhere: `redirect_uri` of a login in another machine's browser. */
  confirmationUrl(region: string): Promise<string>;
  /** `dpopKey`: PEM of a P-256 key, to which the tokens are bound. */
  createToken(dpopKey: Secret, grant: SignInGrant, region: string): Promise<SignInOutcome>;
}
