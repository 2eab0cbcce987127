import {
  type CreateOAuth2TokenCommandOutput,
  type CreateOAuth2TokenRequestBody,
  type SigninClient,
} from "@aws-sdk/nested-clients/signin";
import { BrokerError } from "../core/errors.js";
import type { Secret } from "../core/secret.js";
import type { AwsFailure, FailedCall } from "./aws-failure.js";
import { dpopProof } from "./dpop.js";
import type { SignInGrant, SignInOutcome } from "./sign-in.js";
import { SsoAnswer } from "./sso-answers.js";
import { checkedCredentials } from "./sts-answers.js";

export const TOKEN_ACTION = "CreateOAuth2Token";
/** Those of AWS's credentials end after 15 minutes; longer than a session lasts is a mistake. */
const MAX_LIFE_MS = 12 * 60 * 60_000;
const LOGIN_SESSION = /^arn:[\w-]+:[\w-]+::(\d{12}):[\x21-\x7e]{1,512}$/;

export function tokenInput(grant: SignInGrant): CreateOAuth2TokenRequestBody {
  const { clientId } = grant;
  if (grant.kind === "refresh") {
    return { clientId, grantType: "refresh_token", refreshToken: grant.refreshToken.reveal() };
  }
  const { code, redirectUri, codeVerifier } = grant;
  const proof = { code: code.reveal(), redirectUri, codeVerifier: codeVerifier.reveal() };
  return { clientId, grantType: "authorization_code", ...proof };
}

/** Each request of the client proves that we have the key. */
export function withDpop(client: SigninClient, dpopKey: Secret, now: () => number): SigninClient {
  client.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as DpopTarget;
      const { protocol, hostname, port, path, method, headers } = request;
      const url = `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`;
      headers["DPoP"] = dpopProof(dpopKey, { method, url, now: now() });
      return next(args);
    },
    { step: "finalizeRequest", name: "dpop", override: true },
  );
  return client;
}

interface DpopTarget {
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly method: string;
  readonly headers: Record<string, string>;
}

/** The service's own word for what was wrong stands in a field that no other service has. */
export function withOwnCode(error: unknown): unknown {
  if (typeof error !== "object" || error === null || !("error" in error)) return error;
  return typeof error.error === "string" ? Object.assign(error, { Code: error.error }) : error;
}

/** `startedAt`: a life began after the call did, so that it is never taken for longer than it is. */
export function granted(
  { tokenOutput }: CreateOAuth2TokenCommandOutput,
  { host, startedAt }: { readonly host: string; readonly startedAt: number },
): SignInOutcome {
  const answer = new SsoAnswer(TOKEN_ACTION, host);
  const { accessToken, tokenType, expiresIn, refreshToken, idToken } = tokenOutput ?? {};
  if (tokenType !== undefined && tokenType !== "aws_sigv4") throw answer.refuse("credentials of another kind");
  const lifeMs = Math.min(MAX_LIFE_MS, answer.lifeMs(expiresIn, "expiresIn"));
  const { accessKeyId, secretAccessKey, sessionToken } = accessToken ?? {};
  const loginSession = idToken === undefined ? undefined : subjectOf(idToken);
  if (idToken !== undefined && loginSession === undefined) throw answer.refuse("no ARN of who logged in");
  const found = {
    ...{ AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken },
    Expiration: new Date(startedAt + lifeMs),
  };
  const credentials = checkedCredentials(found, {
    ...{ host, clockSkewMs: 0, now: startedAt, durationSeconds: lifeMs / 1000 },
  });
  return {
    outcome: "granted",
    credentials,
    refreshToken: answer.secret(refreshToken, "refreshToken"),
    ...(loginSession !== undefined && { loginSession }),
  };
}

/** Of a JSON web token, which came from AWS itself over TLS: nothing is verified. */
function subjectOf(idToken: string): string | undefined {
  try {
    const claims = Buffer.from(idToken.split(".")[1] ?? "", "base64url").toString();
    const { sub } = JSON.parse(claims) as { readonly sub?: unknown };
    return typeof sub === "string" && LOGIN_SESSION.test(sub) ? sub : undefined;
  } catch {
    return undefined;
  }
}

/** undefined: no answer of the login, but a failure. */
export function refusedOutcome({
  awsCode,
  status,
}: AwsFailure): Exclude<SignInOutcome, { outcome: "granted" }> | undefined {
  const outcome = status === 429 ? undefined : OUTCOMES.get(awsCode ?? "");
  return outcome && { outcome };
}

const OUTCOMES: ReadonlyMap<string, "ended" | "changed" | "invalid" | "not_allowed"> = new Map([
  ["TOKEN_EXPIRED", "ended"],
  ["AUTHCODE_EXPIRED", "ended"],
  ["USER_CREDENTIALS_CHANGED", "changed"],
  ["INSUFFICIENT_PERMISSIONS", "not_allowed"],
  ["INVALID_REQUEST", "invalid"],
] as const);

/** For who does not look at the outcome. */
export function signInError(failure: AwsFailure, { host }: FailedCall): BrokerError | undefined {
  if (refusedOutcome(failure) === undefined) return undefined;
  return new BrokerError("LoginRequired", `${host} no longer accepts the login (${failure.awsCode ?? ""})`, {
    hint: "brokerctl login",
    cause: failure,
  });
}
