import type { DeviceAuthorization, SsoOidc, TokenOutcome } from "../aws/sso-oidc.js";
import { isRecoverable, toBrokerError } from "../core/errors.js";
import type { Clock } from "../system/clock.js";
import type { LoginAttempt, RunningLogin } from "./login-attempt.js";
import { loginFailed } from "./login-attempt.js";
import type { SsoToken } from "./token-store.js";

/** RFC 8628 §3.5 */
const SLOW_DOWN_SECONDS = 5;

export interface DeviceAuthorizationParts {
  readonly oidc: SsoOidc;
  readonly clock: Clock;
}

/**
 * Device authorization (RFC 8628). Asks once before anything is shown: a client that was approved before gets its token
 * at once. Rejects where Identity Center does not start it.
 */
export async function startDeviceAuthorization(
  attempt: LoginAttempt,
  { oidc, clock }: DeviceAuthorizationParts,
): Promise<RunningLogin> {
  const { client, session } = attempt;
  const { startUrl, region } = session;
  const authorization = await oidc.startDeviceAuthorization(client, { startUrl }, region);
  const polling = new Polling({ attempt, authorization, oidc, clock });
  const atOnce = await polling.ask();
  const done = atOnce ? Promise.resolve(atOnce) : polling.untilDecided();
  done.catch(() => undefined);
  const { userCode, expiresAt } = authorization;
  return {
    flow: "device",
    url: authorization.verificationUriComplete,
    userCode,
    expiresAt,
    isDone: atOnce !== undefined,
    done,
  };
}

interface PollingParts extends DeviceAuthorizationParts {
  readonly attempt: LoginAttempt;
  readonly authorization: DeviceAuthorization;
}

class Polling {
  readonly #parts: PollingParts;
  #intervalSeconds: number;

  constructor(parts: PollingParts) {
    this.#parts = parts;
    this.#intervalSeconds = parts.authorization.intervalSeconds;
  }

  async untilDecided(): Promise<SsoToken> {
    const { attempt, authorization, clock } = this.#parts;
    const { signal, source } = attempt;
    for (;;) {
      await clock.sleep(this.#intervalSeconds * 1000, signal).catch(() => undefined);
      if (signal.aborted) throw loginFailed(source, "was cancelled");
      if (clock.now() >= authorization.expiresAt) throw loginFailed(source, "was not answered in time");
      const token = await this.#askPatiently();
      if (token) return token;
    }
  }

  /** The stored token; undefined: not decided yet. */
  async ask(): Promise<SsoToken | undefined> {
    const { attempt, authorization, oidc, clock } = this.#parts;
    const { client, session, source, signal } = attempt;
    const grant = { kind: "device", deviceCode: authorization.deviceCode } as const;
    const outcome = await oidc.createToken(client, grant, session.region);
    if (outcome.outcome !== "granted") {
      this.#goOnOrThrow(outcome);
      return undefined;
    }
    // The last command left while Identity Center answered: nothing is kept.
    if (signal.aborted) throw loginFailed(source, "was cancelled");
    const { accessToken, refreshToken, expiresAt } = outcome;
    const token = { accessToken, expiresAt, receivedAt: clock.now(), client, ...(refreshToken && { refreshToken }) };
    await attempt.accept(token);
    return token;
  }

  /** A connection that fails in between is no verdict: the code lives on until it expires. */
  async #askPatiently(): Promise<SsoToken | undefined> {
    try {
      return await this.ask();
    } catch (thrown) {
      const error = toBrokerError(thrown);
      if (error.code === "AwsUnreachable" && isRecoverable(error)) return undefined;
      throw error;
    }
  }

  #goOnOrThrow(outcome: Exclude<TokenOutcome, { readonly outcome: "granted" }>): void {
    const { source } = this.#parts.attempt;
    switch (outcome.outcome) {
      case "pending":
        return;
      case "slow_down":
        this.#intervalSeconds += SLOW_DOWN_SECONDS;
        return;
      case "expired":
        throw loginFailed(source, "was not answered in time");
      case "denied":
        throw loginFailed(source, "was denied in the browser");
      case "invalid_grant":
        throw loginFailed(source, `was refused: ${outcome.message}`);
      case "invalid_client":
        this.#parts.attempt.forgetClient();
        throw loginFailed(source, "was refused: Identity Center does not know this client any more");
    }
  }
}
