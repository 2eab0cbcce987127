import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { type BrokerError, toBrokerError } from "../core/errors.js";
import { Secret } from "../core/secret.js";
import type { Clock } from "../system/clock.js";
import { type CallbackAnswer, failurePage, refusalPage, successPage } from "./callback-pages.js";
import { loginFailed, type RunningLogin } from "./login-attempt.js";

/** As long as the AWS CLI waits for its user. */
export const PATIENCE_MS = 10 * 60_000;
const CALLBACK_PATH = "/oauth/callback";

/** Listens for the browser on 127.0.0.1, a free port, and answers each GET of the callback path with what `decide` says. */
export type ListenForCallback = (listening: {
  readonly path: string;
  readonly decide: (parameters: URLSearchParams) => Promise<CallbackAnswer>;
}) => Promise<{ readonly port: number; readonly close: () => Promise<void> }>;

/** What is stored at the end of a login. */
interface Stored {
  readonly expiresAt: number;
}

export interface BrowserLogin {
  /** The source that it was asked for, for messages. */
  readonly source: string;
  /** Who asks the user: `Identity Center`. */
  readonly who: string;
  readonly pkce: Pkce;
  /** Aborted: no command waits any more, so nothing is stored. */
  readonly signal: AbortSignal;
  readonly authorizeUrl: (redirectUri: string) => Promise<string>;
  /** Redeems the code and stores what comes of it. */
  readonly redeem: (code: Secret, redirectUri: string) => Promise<Stored>;
  /** No answer came. */
  readonly onUnanswered?: (() => void) | undefined;
}

/**
 * Authorization code with PKCE (RFC 6749 §4.1, RFC 7636, RFC 8252). The listener is bound before the URL leaves, so that
 * no other process can take its port. Rejects where the listener cannot be had.
 */
export async function startBrowserLogin(
  login: BrowserLogin,
  { clock, listen }: { readonly clock: Clock; readonly listen: ListenForCallback },
): Promise<RunningLogin> {
  const { source } = login;
  const answer = new AwaitedAnswer(login, (code) => login.redeem(code, redirectUri));
  const listener = await listen({ path: CALLBACK_PATH, decide: (parameters) => answer.decide(parameters) });
  const redirectUri = `http://127.0.0.1:${listener.port}${CALLBACK_PATH}`;
  const expiresAt = clock.now() + PATIENCE_MS;
  const cancelTimer = clock.after(PATIENCE_MS, () => answer.fail(loginFailed(source, "was not answered in time")));
  const url = await login.authorizeUrl(redirectUri);
  const done = answer.stored.finally(() => {
    cancelTimer();
    // The page with the outcome is under way: closing lets it go out.
    void listener.close();
  });
  done.catch(() => undefined);
  return { flow: "browser", url, userCode: null, expiresAt, isDone: false, done };
}

/** The one answer of the browser: the first with the right state counts, every other request is refused. */
class AwaitedAnswer {
  readonly stored: Promise<Stored>;
  readonly #login: BrowserLogin;
  readonly #redeem: (code: Secret) => Promise<Stored>;
  #isAnswered = false;
  #settle!: { readonly resolve: (stored: Stored) => void; readonly reject: (error: BrokerError) => void };

  constructor(login: BrowserLogin, redeemCode: (code: Secret) => Promise<Stored>) {
    this.#login = login;
    this.#redeem = redeemCode;
    this.stored = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    const { signal, source } = login;
    signal.addEventListener("abort", () => this.fail(loginFailed(source, "was cancelled")), { once: true });
  }

  async decide(parameters: URLSearchParams): Promise<CallbackAnswer> {
    const { source, pkce, who } = this.#login;
    const [state, code, error] = [only(parameters, "state"), only(parameters, "code"), only(parameters, "error")];
    if (state === undefined || !isSameState(pkce.state, state)) {
      return refusalPage("This is not the answer to the login that is waiting.");
    }
    if (this.#isAnswered) return refusalPage("This login was answered already.");
    this.#isAnswered = true;
    if (code === undefined || error !== undefined) {
      const why = error === "access_denied" ? "was denied in the browser" : `was refused by ${who}`;
      this.#settle.reject(loginFailed(source, why));
      return failurePage(`The login to ${source} ${why}.`, source);
    }
    return this.#finish(new Secret(code));
  }

  /** From now on every answer is late. */
  fail(error: BrokerError): void {
    if (!this.#isAnswered) this.#login.onUnanswered?.();
    this.#isAnswered = true;
    this.#settle.reject(error);
  }

  async #finish(code: Secret): Promise<CallbackAnswer> {
    const { source } = this.#login;
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

/** A parameter given twice is none: two readers could take different ones. */
export function only(parameters: URLSearchParams, name: string): string | undefined {
  const values = parameters.getAll(name);
  return values.length === 1 ? values[0] : undefined;
}

/** Proof that who redeems a code is who asked for it (RFC 7636, S256), and that the answer belongs to our question. */
export interface Pkce {
  /** 64 characters of base64url. */
  readonly verifier: Secret;
  readonly challenge: string;
  /** RFC 6749 §10.12; 43 characters of base64url where no other is given. */
  readonly state: Secret;
}

export function newPkce(state = randomBytes(32).toString("base64url")): Pkce {
  const verifier = randomBytes(48).toString("base64url");
  return {
    verifier: new Secret(verifier),
    challenge: sha256(verifier).toString("base64url"),
    state: new Secret(state),
  };
}

/** In constant time: hashes are of one length whatever came. */
export function isSameState(state: Secret, given: string): boolean {
  return timingSafeEqual(sha256(state.reveal()), sha256(given));
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
