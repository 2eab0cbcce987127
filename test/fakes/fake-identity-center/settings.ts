/** How the fake behaves; tests change it at run time through `FakeIdentityCenter.settings`. */
export interface Settings {
  /** The portal's address, by which clients name the organization. */
  startUrl: string;
  /** Where Identity Center is enabled: requests to the hosts of another region are refused. */
  region: string;
  /** Scopes that a client may register. */
  scopes: readonly string[];
  registrationSeconds: number;
  deviceCodeSeconds: number;
  /** Between two polls with one device code, after the first two; sooner is `slow_down`, and 5 s more (RFC 8628 §3.5). */
  intervalSeconds: number;
  /** Life of an authorization code. */
  codeSeconds: number;
  /** Life of an access token that can be renewed; others live as long as their session. */
  accessTokenSeconds: number;
  /** Life of a sign-in session, and so of its refresh tokens. */
  sessionSeconds: number;
  /** What a renewal answers: a new refresh token (the old one is dead), the same one again, or none (there is none left). */
  rotation: "rotate" | "same" | "omit";
  /** Every device authorization is approved before its code is shown, as for a client that the user approved before. */
  preAuthorized: boolean;
  /** Life of role credentials: the permission set's session duration. */
  roleSessionSeconds: number;
  /** Calls that the portal answers within one second; AWS's limit is near 20. */
  callsPerSecond: number;
  /** Seconds in a `Retry-After` with each 429; AWS sends none. */
  retryAfterSeconds: number | undefined;
  /** Items on a page where the client does not say (max_result). */
  pageSize: number;
}

const DAY_SECONDS = 86_400;

export const ACCOUNT_ACCESS = "sso:account:access";

export function defaultSettings(): Settings {
  return {
    startUrl: "https://corp.awsapps.com/start",
    region: "eu-west-1",
    scopes: [ACCOUNT_ACCESS, "openid", "aws", "codewhisperer:completions"],
    registrationSeconds: 90 * DAY_SECONDS,
    deviceCodeSeconds: 600,
    intervalSeconds: 1,
    codeSeconds: 300,
    accessTokenSeconds: 3600,
    sessionSeconds: 8 * 3600,
    rotation: "rotate",
    preAuthorized: false,
    roleSessionSeconds: 3600,
    callsPerSecond: Number.POSITIVE_INFINITY,
    retryAfterSeconds: undefined,
    pageSize: 20,
  };
}
