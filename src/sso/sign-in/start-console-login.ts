import { generateKeyPairSync, randomUUID } from "node:crypto";
import type { SignIn } from "../../aws/sign-in.js";
import { BrokerError, toBrokerError } from "../../core/errors.js";
import type { ConsoleLoginSource } from "../../core/role.js";
import { Secret } from "../../core/secret.js";
import type { Clock } from "../../system/clock.js";
import {
  isSameState,
  type ListenForCallback,
  newPkce,
  only,
  PATIENCE_MS,
  type Pkce,
  startBrowserLogin,
} from "../browser-answer.js";
import { loginFailed, type RunningLogin } from "../login-attempt.js";
import type { LoginFlow } from "../token-store.js";
import { type ConsoleSessions, notAllowed } from "./console-sessions.js";

/** AWS's own clients, which need no registration (`aws login`). */
const CLIENT_IDS: Readonly<Record<LoginFlow, string>> = {
  browser: "arn:aws:signin:::devtools/same-device",
  device: "arn:aws:signin:::devtools/cross-device",
};
/** AWS ends a login after 12 hours at the latest. */
const SESSION_MS = 12 * 60 * 60_000;

export interface ConsoleLoginParts {
  readonly signIn: SignIn;
  readonly sessions: ConsoleSessions;
  readonly clock: Clock;
  readonly listen: ListenForCallback;
}

interface Attempt {
  readonly source: ConsoleLoginSource;
  readonly clientId: string;
  readonly dpopKey: Secret;
  readonly pkce: Pkce;
  readonly signal: AbortSignal;
}

/** A login to the console: a key of its own, to which its tokens are bound, and the browser of this machine or of another one. */
export function createStartConsoleLogin(
  parts: ConsoleLoginParts,
): (source: ConsoleLoginSource, flow: LoginFlow, signal: AbortSignal) => Promise<RunningLogin> {
  return (source, flow, signal) => {
    // Its state is a UUID, as AWS's own client has it.
    const attempt = { source, clientId: CLIENT_IDS[flow], dpopKey: newKey(), pkce: newPkce(randomUUID()), signal };
    return flow === "browser" ? startInBrowser(attempt, parts) : startElsewhere(attempt, parts);
  };
}

function startInBrowser(attempt: Attempt, parts: ConsoleLoginParts): Promise<RunningLogin> {
  const { source, pkce, signal } = attempt;
  return startBrowserLogin(
    {
      ...{ source: source.name, who: "AWS", pkce, signal },
      authorizeUrl: (redirectUri) => authorizeUrl(attempt, redirectUri, parts),
      redeem: (code, redirectUri) => redeem(attempt, { code, redirectUri }, parts),
    },
    parts,
  );
}

/** The page at the end shows a code, which the user brings here. */
async function startElsewhere(attempt: Attempt, parts: ConsoleLoginParts): Promise<RunningLogin> {
  const { source, signal, pkce } = attempt;
  const { signIn, clock } = parts;
  const redirectUri = await signIn.confirmationUrl(source.stsRegion);
  const url = await authorizeUrl(attempt, redirectUri, parts);
  const expiresAt = clock.now() + PATIENCE_MS;
  let isSpent = false;
  let settle!: {
    readonly resolve: (stored: { expiresAt: number }) => void;
    readonly reject: (error: BrokerError) => void;
  };
  const done = new Promise<{ readonly expiresAt: number }>((resolve, reject) => (settle = { resolve, reject }));
  const fail = (why: string): void => settle.reject(loginFailed(source.name, why));
  signal.addEventListener("abort", () => fail("was cancelled"), { once: true });
  const cancelTimer = clock.after(PATIENCE_MS, () => fail("was not answered in time"));
  done.finally(cancelTimer).catch(() => undefined);
  return {
    ...{ flow: "device", url, userCode: null, expiresAt, isDone: false, done },
    enterCode: async (typed) => {
      const code = codeIn(typed, pkce, source.name);
      if (isSpent)
        throw new BrokerError("UsageInvalid", "a code was entered already", { hint: `brokerctl login ${source.name}` });
      isSpent = true;
      await redeem(attempt, { code, redirectUri }, parts).then(settle.resolve, (error: unknown) => {
        settle.reject(toBrokerError(error));
      });
    },
  };
}

/** `state=…&code=…` in base64, as the page shows it. */
function codeIn(typed: Secret, { state }: Pkce, source: string): Secret {
  const text = typed.reveal().trim();
  const parameters = new URLSearchParams(Buffer.from(text, "base64").toString());
  const [given, code] = [only(parameters, "state"), only(parameters, "code")];
  if (given !== undefined && code !== undefined && isSameState(state, given)) return new Secret(code);
  throw new BrokerError("UsageInvalid", `that is not the code which the page of this login to ${source} shows`, {
    hint: "copy the whole code of the page that was opened last",
  });
}

function authorizeUrl(
  { clientId, pkce, source }: Attempt,
  redirectUri: string,
  { signIn }: ConsoleLoginParts,
): Promise<string> {
  return signIn.authorizeUrl(
    {
      response_type: "code",
      client_id: clientId,
      state: pkce.state.reveal(),
      // Not S256: AWS's own spelling.
      code_challenge_method: "SHA-256",
      scope: "openid",
      redirect_uri: redirectUri,
      code_challenge: pkce.challenge,
    },
    source.stsRegion,
  );
}

async function redeem(
  { source, clientId, dpopKey, pkce, signal }: Attempt,
  { code, redirectUri }: { readonly code: Secret; readonly redirectUri: string },
  { signIn, sessions, clock }: ConsoleLoginParts,
): Promise<{ readonly expiresAt: number }> {
  const { name, stsRegion: region } = source;
  const grant = { kind: "authorization_code", clientId, code, redirectUri, codeVerifier: pkce.verifier } as const;
  const startedAt = clock.now();
  const outcome = await signIn.createToken(dpopKey, grant, region);
  if (outcome.outcome === "not_allowed") throw notAllowed(name);
  if (outcome.outcome !== "granted") throw loginFailed(name, "was refused: AWS does not accept its code");
  const { refreshToken, loginSession, credentials } = outcome;
  if (loginSession === undefined) throw loginFailed(name, "was refused: AWS does not say who logged in");
  if (source.loginSession !== undefined && source.loginSession !== loginSession) {
    throw loginFailed(name, `was that of ${loginSession}, and login_session names ${source.loginSession}`);
  }
  // The last command left while AWS answered: nothing is kept.
  if (signal.aborted) throw loginFailed(name, "was cancelled");
  const accountId = loginSession.split(":")[4] ?? "";
  const endsAt = startedAt + SESSION_MS;
  const login = { dpopKey, clientId, refreshToken, region, loginSession, accountId, endsAt };
  await sessions.accept(name, login, { credentials: { ...credentials, accountId }, receivedAt: startedAt });
  return { expiresAt: endsAt };
}

function newKey(): Secret {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return new Secret(privateKey.export({ type: "pkcs8", format: "pem" }).toString());
}
