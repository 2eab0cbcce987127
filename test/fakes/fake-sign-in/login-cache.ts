import { createHash, generateKeyPairSync } from "node:crypto";
import { createAws } from "../../../src/aws/aws.js";
import { awsEnvironment } from "../../../src/aws/aws-environment.js";
import type { SignIn, SignInOutcome } from "../../../src/aws/sign-in.js";
import { Secret } from "../../../src/core/secret.js";
import { SystemClock } from "../../../src/system/clock.js";
import { memoryLogger } from "../../support/memory-logger.js";
import { decideInBrowser } from "../fake-identity-center/decide-in-browser.js";
import { challengeOf } from "./console-logins.js";
import type { FakeSignIn } from "./fake-sign-in.js";

const CLIENT = "arn:aws:signin:::devtools/same-device";
export const CALLBACK = "http://127.0.0.1:49152/oauth/callback";
const VERIFIER = "v".repeat(64);

/** A login by our own client of AWS, with its key. */
export interface OwnLogin {
  readonly key: Secret;
  readonly clientId: string;
  readonly granted: Extract<SignInOutcome, { readonly outcome: "granted" }>;
  readonly renew: (key: Secret, refreshToken: Secret) => Promise<SignInOutcome>;
}

export async function ownLogin(fake: FakeSignIn): Promise<OwnLogin> {
  const { location = "" } = await decideInBrowser(`${fake.url}/v1/authorize?${authorizeQuery()}`, "approve");
  const code = new Secret(new URL(location).searchParams.get("code") ?? "");
  const environment = awsEnvironment({ AWS_ENDPOINT_URL_SIGNIN: fake.url });
  const ours: SignIn = createAws({ environment, logger: memoryLogger(), clock: new SystemClock() }).signIn;
  const key = newKey();
  const grant = { kind: "authorization_code", clientId: CLIENT, code, redirectUri: CALLBACK } as const;
  const granted = await ours.createToken(key, { ...grant, codeVerifier: new Secret(VERIFIER) }, "eu-west-1");
  if (granted.outcome !== "granted") throw new Error(`not granted: ${granted.outcome}`);
  return {
    ...{ key, clientId: CLIENT, granted },
    renew: (by, refreshToken) => ours.createToken(by, { kind: "refresh", clientId: CLIENT, refreshToken }, "eu-west-1"),
  };
}

/** Of a right authorization, but for what is given. */
export function authorizeQuery(extra: Readonly<Record<string, string>> = {}): string {
  return new URLSearchParams({
    ...{ response_type: "code", client_id: CLIENT, state: "s", scope: "openid", code_challenge_method: "SHA-256" },
    ...{ code_challenge: challengeOf(VERIFIER), redirect_uri: CALLBACK, ...extra },
  }).toString();
}

/** In the form that every SDK reads. */
export function newKey(): Secret {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return new Secret(privateKey.export({ type: "sec1", format: "pem" }).toString());
}

/** Where SDKs look for a login, in `~/.aws/login/cache`. */
export function cacheFileOf(loginSession: string): string {
  return `${createHash("sha256").update(loginSession).digest("hex")}.json`;
}

/** What `aws login` leaves there, of a login that is made now; its credentials are said to end so soon. */
export async function loginCache(
  fake: FakeSignIn,
  { expiresInSeconds }: { readonly expiresInSeconds: number },
): Promise<string> {
  const { key, clientId, granted } = await ownLogin(fake);
  const { accessKeyId, secretAccessKey, sessionToken } = granted.credentials;
  const expiresAt = new Date(Date.now() + expiresInSeconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
  return JSON.stringify({
    accessToken: {
      ...{ accessKeyId, secretAccessKey: secretAccessKey.reveal(), sessionToken: sessionToken.reveal(), expiresAt },
      accountId: fake.settings.loginSession.split(":")[4],
    },
    ...{ tokenType: "aws_sigv4", clientId, refreshToken: granted.refreshToken.reveal() },
    dpopKey: key.reveal(),
  });
}
