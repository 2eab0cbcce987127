import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { SsoOidc, TokenOutcome } from "../aws/sso-oidc.js";
import { type BrokerError, toBrokerError } from "../core/errors.js";
import { Secret } from "../core/secret.js";
import type { Clock } from "../system/clock.js";
import { type CallbackAnswer, failurePage, refusalPage, successPage } from "./callback-pages.js";
import { type LoginAttempt, loginFailed, type RunningLogin } from "./login-attempt.js";
import type { SsoToken } from "./token-store.js";

/** As long as the AWS CLI waits for its user. */
const PATIENCE_MS = 10 * 60_000;
const CALLBACK_PATH = "/oauth/callback";

/** Listens for the browser on 127.0.0.1, a free port, and answers each GET of the callback path with what `decide` says. */
export type ListenForCallback = (listening: {
  readonly path: string;
  readonly decide: (parameters: URLSearchParams) => Promise<CallbackAnswer>;
}) => Promise<{ readonly port: number; readonly close: () => Promise<void> }>;

export interface AuthorizationCodeParts {
  readonly oidc: SsoOidc;
  readonly clock: Clock;
  readonly listen: ListenForCallback;
}

/**
 * Authorization code with PKCE (RFC 6749 §4.1, RFC 7636, RFC 8252). The listener is bound before the URL leaves, so that
 * no other process can take its port. Rejects where the listener cannot be had.
 */
export async function startAuthorizationCode(
  attempt: LoginAttempt,
  parts: AuthorizationCodeParts,
): Promise<RunningLogin> {
  const { session, client, source } = attempt;
  const { oidc, clock, listen } = parts;
  const pkce = newPkce();
  const answer = new AwaitedAnswer(attempt, pkce, (code) =>
    redeem({ code, pkce, redirectUri, attempt }, parts).then(async (token) => {
      // The last command left while Identity Center answered: nothing is kept.
      if (attempt.signal.aborted) throw loginFailed(source, "was cancelled");
      await attempt.accept(token);
      return token;
    }),
  );
  const listener = await listen({ path: CALLBACK_PATH, decide: (parameters) => answer.decide(parameters) });
  const redirectUri = `http://127.0.0.1:${listener.port}${CALLBACK_PATH}`;
  const expiresAt = clock.now() + PATIENCE_MS;
  const cancelTimer = clock.after(PATIENCE_MS, () => answer.fail(loginFailed(source, "was not answered in time")));
  const url = oidc.authorizeUrl(
    {
      response_type: "code",
      client_id: client.clientId,
      redirect_uri: redirectUri,
      state: pkce.state.reveal(),
      code_challenge_method: "S256",
      scopes: session.scopes.join(" "),
      code_challenge: pkce.challenge,
    },
    session.region,
  );
  const done = answer.token.finally(() => {
    cancelTimer();
    // The page with the outcome is under way: closing lets it go out.
    void listener.close();
  });
  done.catch(() => undefined);
  return { flow: "browser", url, userCode: null, expiresAt, isDone: false, done };
}

/** The one answer of the browser: the first with the right state counts, every other request is refused. */
class AwaitedAnswer {
  readonly token: Promise<SsoToken>;
  readonly #attempt: LoginAttempt;
  readonly #pkce: Pkce;
  readonly #redeem: (code: Secret) => Promise<SsoToken>;
  #isAnswered = false;
  #settle!: { readonly resolve: (token: SsoToken) => void; readonly reject: (error: BrokerError) => void };

  constructor(attempt: LoginAttempt, pkce: Pkce, redeemCode: (code: Secret) => Promise<SsoToken>) {
    this.#attempt = attempt;
    this.#pkce = pkce;
    this.#redeem = redeemCode;
    this.token = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    const { signal, source } = attempt;
    signal.addEventListener("abort", () => this.fail(loginFailed(source, "was cancelled")), { once: true });
  }

  async decide(parameters: URLSearchParams): Promise<CallbackAnswer> {
    const { source } = this.#attempt;
    const [state, code, error] = [only(parameters, "state"), only(parameters, "code"), only(parameters, "error")];
    if (state === undefined || !isSameState(this.#pkce.state, state)) {
      return refusalPage("This is not the answer to the login that is waiting.");
    }
    if (this.#isAnswered) return refusalPage("This login was answered already.");
    this.#isAnswered = true;
    if (code === undefined || error !== undefined) {
      const why = error === "access_denied" ? "was denied in the browser" : "was refused by Identity Center";
      this.#settle.reject(loginFailed(source, why));
      return failurePage(`The login to ${source} ${why}.`, source);
    }
    return this.#finish(new Secret(code));
  }

  /** From now on every answer is late. Where none came, the browser may have been told that the client is unknown. */
  fail(error: BrokerError): void {
    if (!this.#isAnswered) this.#attempt.forgetClient();
    this.#isAnswered = true;
    this.#settle.reject(error);
  }

  async #finish(code: Secret): Promise<CallbackAnswer> {
    const { source } = this.#attempt;
    try {
      this.#settle.resolve(await this.#redeem(code));
      return successPage(source);
    } catch (thrown) {
      const error = toBrokerError(thrown);
      this.#settle.reject(error);
      return failurePage(`${error.message}.`, source);
    }
  }
}

interface Redemption {
  readonly code: Secret;
  readonly pkce: Pkce;
  readonly redirectUri: string;
  readonly attempt: LoginAttempt;
}

async function redeem(
  { code, pkce, redirectUri, attempt }: Redemption,
  { oidc, clock }: AuthorizationCodeParts,
): Promise<SsoToken> {
  const { client, session, source } = attempt;
  const grant = { kind: "authorization_code", code, redirectUri, codeVerifier: pkce.verifier } as const;
  const outcome = await oidc.createToken(client, grant, session.region);
  if (outcome.outcome === "invalid_client") attempt.forgetClient();
  if (outcome.outcome !== "granted") throw loginFailed(source, `was refused: ${reasonOf(outcome)}`);
  const { accessToken, refreshToken, expiresAt } = outcome;
  return { accessToken, expiresAt, receivedAt: clock.now(), client, ...(refreshToken && { refreshToken }) };
}

function reasonOf(outcome: Exclude<TokenOutcome, { readonly outcome: "granted" }>): string {
  return "message" in outcome ? outcome.message : `Identity Center answered ${outcome.outcome}`;
}

/** A parameter given twice is none: two readers could take different ones. */
function only(parameters: URLSearchParams, name: string): string | undefined {
  const values = parameters.getAll(name);
  return values.length === 1 ? values[0] : undefined;
}

/** Proof that who redeems a code is who asked for it (RFC 7636, S256), and that the answer belongs to our question. */
interface Pkce {
  /** 64 characters of base64url. */
  readonly verifier: Secret;
  readonly challenge: string;
  /** 43 characters of base64url (RFC 6749 §10.12). */
  readonly state: Secret;
}

function newPkce(): Pkce {
  const verifier = randomBytes(48).toString("base64url");
  return {
    verifier: new Secret(verifier),
    challenge: sha256(verifier).toString("base64url"),
    state: new Secret(randomBytes(32).toString("base64url")),
  };
}

/** In constant time: hashes are of one length whatever came. */
function isSameState(state: Secret, given: string): boolean {
  return timingSafeEqual(sha256(state.reveal()), sha256(given));
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
