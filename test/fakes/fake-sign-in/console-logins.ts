import { createHash, randomBytes } from "node:crypto";
import type { Principal } from "../fake-aws/principals.js";
import { messagePage, questionPage } from "../fake-identity-center/pages.js";
import { type Answer, htmlAnswer, jsonAnswer, redirectAnswer } from "../fake-identity-center/sso-refusal.js";
import { secretText, urlSecretText } from "../fake-identity-center/tokens.js";
import { DpopProofs } from "./dpop.js";
import type { SignInSettings } from "./settings.js";

const SAME_DEVICE = "arn:aws:signin:::devtools/same-device";
const CROSS_DEVICE = "arn:aws:signin:::devtools/cross-device";
/** RFC 7636 §4.1 and §4.2. */
const VERIFIER = /^[A-Za-z0-9\-._~]{43,128}$/;
const CHALLENGE = /^[A-Za-z0-9\-_]{43}$/;
const LOOPBACK = /^http:\/\/127\.0\.0\.1:\d{1,5}\/oauth\/callback$/;
/** A refresh token that was replaced answers the same again for so long. */
const IDEMPOTENT_MS = 60_000;

export interface ConsoleLoginsOptions {
  readonly settings: SignInSettings;
  readonly now: () => number;
  readonly open: (roleArn: string, sessionName: string, expiration: number) => Principal;
}

/** Of a request: the address that the client called, and where that is. */
export interface Called {
  /** `https://REGION.signin…`, or the fake's own. */
  readonly base: string;
  readonly region: string | undefined;
}

type Parameters = Readonly<Record<string, string>>;

interface Authorization {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly state: string;
  readonly challenge: string;
  readonly region: string | undefined;
}

interface Session {
  readonly clientId: string;
  readonly thumbprint: string;
  readonly region: string | undefined;
  /** Epoch milliseconds. */
  readonly endsAt: number;
  /** The refresh token that is good now. */
  current: string;
  /** What the one before was answered. */
  former: { readonly token: string; readonly answer: Answer; readonly until: number } | undefined;
  isRevoked: boolean;
}

class Refusal extends Error {
  readonly status: number;
  readonly exception: string;
  readonly error: string;

  constructor(error: string, exception: string, status: number) {
    super(error);
    this.error = error;
    this.exception = exception;
    this.status = status;
  }
}

const denied = (error: string, status: number): Refusal => new Refusal(error, "AccessDeniedException", status);
const invalid = (): Refusal => new Refusal("INVALID_REQUEST", "ValidationException", 400);

/** `aws login`, as AWS Sign-In answers it: authorization codes with PKCE, tokens bound to a key (DPoP), sessions of 12 hours. */
export class ConsoleLogins {
  readonly #options: ConsoleLoginsOptions;
  readonly #proofs = new DpopProofs();
  readonly #asked = new Map<string, Authorization>();
  readonly #codes = new Map<string, Authorization & { readonly expiresAt: number }>();
  readonly #sessions = new Set<Session>();

  constructor(options: ConsoleLoginsOptions) {
    this.#options = options;
  }

  /** Its user signed out, changed the password, or was stopped: renewals are refused with this error. */
  refuseRenewals(error: string | undefined): void {
    this.#options.settings.renewalError = error;
  }

  revokeAll(): void {
    for (const session of this.#sessions) session.isRevoked = true;
  }

  authorize(query: Parameters, { base, region }: Called): Answer {
    const {
      client_id: clientId = "",
      redirect_uri: redirectUri = "",
      state = "",
      code_challenge: challenge = "",
    } = query;
    const isRedirect =
      clientId === SAME_DEVICE ? LOOPBACK.test(redirectUri) : redirectUri === `${base}/v1/sessions/confirmation`;
    const isRight =
      query["response_type"] === "code" && query["scope"] === "openid" && query["code_challenge_method"] === "SHA-256";
    if (
      ![SAME_DEVICE, CROSS_DEVICE].includes(clientId) ||
      !isRedirect ||
      !isRight ||
      !CHALLENGE.test(challenge) ||
      state === ""
    ) {
      return htmlAnswer(messagePage("Request refused", "Invalid request"), 400);
    }
    const id = randomBytes(16).toString("hex");
    this.#asked.set(id, { clientId, redirectUri, state, challenge, region });
    const users = [this.#options.settings.userName];
    const page = { clientName: "AWS CLI", scopes: ["openid"], users, action: "/v1/authorize", hidden: { request: id } };
    return htmlAnswer(questionPage(page));
  }

  decide(form: Parameters): Answer {
    const asked = this.#asked.get(form["request"] ?? "");
    this.#asked.delete(form["request"] ?? "");
    if (!asked) return htmlAnswer(messagePage("Request refused", "It was decided already, or never made."), 400);
    const { clientId, redirectUri, state } = asked;
    if (form["decision"] !== "approve") {
      return redirectAnswer(`${redirectUri}?${new URLSearchParams({ error: "access_denied", state }).toString()}`);
    }
    const code = urlSecretText();
    this.#codes.set(code, { ...asked, expiresAt: this.#options.now() + this.#options.settings.codeSeconds * 1000 });
    const answer = new URLSearchParams({ state, code }).toString();
    if (clientId === SAME_DEVICE) return redirectAnswer(`${redirectUri}?${answer}`);
    return htmlAnswer(messagePage("Authorization code", Buffer.from(answer).toString("base64")));
  }

  token(body: Parameters, proof: string | undefined, { base, region }: Called): Answer {
    try {
      const url = `${base}/v1/token`;
      const thumbprint = this.#proofs.thumbprintOf({ proof, method: "POST", url, now: this.#options.now() });
      if (thumbprint === undefined) throw invalid();
      const caller = { thumbprint, region };
      if (body["grantType"] === "authorization_code") return this.#redeem(body, caller);
      if (body["grantType"] === "refresh_token") return this.#renew(body, caller);
      throw invalid();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return jsonAnswer({ error: error.error, message: error.error }, error.status, {
        "x-amzn-errortype": error.exception,
      });
    }
  }

  #redeem(body: Parameters, { thumbprint, region }: { thumbprint: string; region: string | undefined }): Answer {
    const { code = "", codeVerifier = "", redirectUri, clientId } = body;
    const issued = this.#codes.get(code);
    // For one attempt, whatever comes of it.
    this.#codes.delete(code);
    if (!issued || this.#options.now() >= issued.expiresAt) throw denied("AUTHCODE_EXPIRED", 401);
    const isVerified = VERIFIER.test(codeVerifier) && challengeOf(codeVerifier) === issued.challenge;
    const isSame = redirectUri === issued.redirectUri && clientId === issued.clientId && region === issued.region;
    if (!isVerified || !isSame) throw invalid();
    const { settings, now } = this.#options;
    if (!settings.mayLogIn) throw denied("INSUFFICIENT_PERMISSIONS", 403);
    const endsAt = now() + settings.sessionSeconds * 1000;
    const session: Session = {
      ...{ clientId: issued.clientId, thumbprint, region, endsAt, former: undefined, isRevoked: false },
      current: secretText("ref"),
    };
    this.#sessions.add(session);
    return this.#answer(session, true);
  }

  #renew(body: Parameters, { thumbprint, region }: { thumbprint: string; region: string | undefined }): Answer {
    const { refreshToken = "", clientId } = body;
    const { settings } = this.#options;
    const now = this.#options.now();
    const session = [...this.#sessions].find(({ current, former }) => [current, former?.token].includes(refreshToken));
    if (!session || session.isRevoked || now >= session.endsAt) throw denied("TOKEN_EXPIRED", 401);
    // Elsewhere no one knows the session.
    if (session.region !== region) throw denied("TOKEN_EXPIRED", 401);
    if (session.thumbprint !== thumbprint || session.clientId !== clientId) throw invalid();
    if (settings.renewalError !== undefined) throw denied(settings.renewalError, 403);
    const { former } = session;
    if (former?.token === refreshToken) {
      if (now >= former.until) throw denied("TOKEN_EXPIRED", 401);
      return former.answer;
    }
    session.current = secretText("ref");
    const answer = this.#answer(session, false);
    session.former = { token: refreshToken, answer, until: now + IDEMPOTENT_MS };
    return answer;
  }

  #answer(session: Session, isFirst: boolean): Answer {
    const { settings, open } = this.#options;
    const now = this.#options.now();
    const expiresIn = Math.min(settings.accessTokenSeconds, Math.floor((session.endsAt - now) / 1000));
    const { accessKeyId, secretAccessKey, sessionToken } = open(
      settings.roleArn,
      settings.userName,
      now + expiresIn * 1000,
    );
    return jsonAnswer({
      accessToken: { accessKeyId, secretAccessKey, sessionToken },
      tokenType: "aws_sigv4",
      expiresIn,
      refreshToken: session.current,
      ...(isFirst && { idToken: idTokenOf(settings.loginSession, now) }),
    });
  }
}

/** 43 characters of base64url. */
export function challengeOf(verifier: string): string {
  return createHash("sha256").update(verifier).digest("base64url");
}

function idTokenOf(sub: string, now: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "ES384", typ: "JWT" })}.${part({ sub, iat: Math.floor(now / 1000) })}.${urlSecretText()}`;
}
