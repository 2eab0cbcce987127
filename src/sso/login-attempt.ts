import type { ClientRegistration } from "../aws/sso-oidc.js";
import { BrokerError } from "../core/errors.js";
import type { Secret } from "../core/secret.js";
import type { SsoSession } from "../core/sso-session.js";
import type { LoginFlow, SsoToken } from "./token-store.js";

/** One login to be made, in either flow. */
export interface LoginAttempt {
  /** The source that it was asked for, for messages. */
  readonly source: string;
  readonly session: SsoSession;
  readonly client: ClientRegistration;
  /** Aborted: no command waits any more, so nothing is stored. */
  readonly signal: AbortSignal;
  /** Stores the token; resolves once it is durable. */
  readonly accept: (token: SsoToken) => Promise<void>;
  /** Identity Center does not know the client any more, or may not: the next login registers another one. */
  readonly forgetClient: () => void;
}

/** A login that waits for the user. */
export interface RunningLogin {
  readonly flow: LoginFlow;
  /** Where the user goes. */
  readonly url: string;
  /** What the user compares there; null where nothing needs comparing. */
  readonly userCode: string | null;
  /** Epoch milliseconds at which it gives up. */
  readonly expiresAt: number;
  /** No user was needed: a client that was approved before has its token already. */
  readonly isDone: boolean;
  /** What was stored, with its end (epoch ms); rejects with what the user gets to read. */
  readonly done: Promise<{ readonly expiresAt: number }>;
  /** Where the page shows a code for this machine: what the user typed of it. */
  readonly enterCode?: (typed: Secret) => Promise<void>;
}

/** A login that came to nothing; the hint starts another one. */
export function loginFailed(source: string, why: string, cause?: unknown): BrokerError {
  return new BrokerError("LoginRequired", `the login to ${source} ${why}`, {
    hint: `brokerctl login ${source}`,
    cause,
  });
}
