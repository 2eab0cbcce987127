import { randomBytes } from "node:crypto";
import type { SsoOidc } from "../aws/sso-oidc.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import type { SsoSource } from "../core/role.js";
import { type SsoSession, sessionOf } from "../core/sso-session.js";
import type { Cancel, Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import { type ListenForCallback, startAuthorizationCode } from "./authorization-code.js";
import type { ClientRegistrations } from "./client-registrations.js";
import { startDeviceAuthorization } from "./device-authorization.js";
import type { RunningLogin } from "./login-attempt.js";
import type { TokenProvider } from "./token-provider.js";
import type { LoginFlow, SsoToken, TokenStore } from "./token-store.js";

/** Between the answer to `start` and the call of `wait`: a CLI that is killed there is not waited for. */
const JOIN_MS = 15_000;
/** The outcome of a login is kept for callers that ask a little late. */
const REMEMBERED_MS = 60_000;

export interface LoginRegistryOptions {
  readonly oidc: SsoOidc;
  readonly store: TokenStore;
  readonly tokens: TokenProvider;
  readonly registrations: ClientRegistrations;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly listen: ListenForCallback;
  /** The token is stored: roles that waited can be fetched. */
  readonly onLoggedIn: (session: SsoSession) => void;
}

export interface StartedLogin {
  readonly loginId: string;
  readonly running: RunningLogin;
  /** It was under way already: another command started it. */
  readonly joined: boolean;
}

interface Login {
  readonly id: string;
  /** Of which it was started; others of the same session may have joined. */
  readonly source: string;
  readonly running: RunningLogin;
  readonly abort: AbortController;
  waiting: number;
  /** Callers that know of it and do not wait for it yet, each with the timer after which they are given up. */
  readonly expected: Cancel[];
}

/**
 * The logins under way: one for a session at a time, however many commands wait. It ends when the last of them leaves;
 * until the token is had nothing of it is stored, and afterwards everything.
 */
export class LoginRegistry {
  readonly #options: LoginRegistryOptions;
  readonly #bySession = new Map<string, Promise<Login>>();
  readonly #byId = new Map<string, Login>();

  constructor(options: LoginRegistryOptions) {
    this.#options = options;
  }

  /** Starts a login, or joins the one of its session. Call `wait` within 15 s. */
  async start(source: SsoSource, flow: LoginFlow): Promise<StartedLogin> {
    const session = sessionOf(source);
    const underWay = this.#bySession.get(session.id);
    const login = await (underWay ?? this.#begin(source, session, flow));
    this.#expect(login);
    return { loginId: login.id, running: login.running, joined: underWay !== undefined };
  }

  /** Resolves with the stored token's end; leaving (`signal`) as the last one cancels the login. */
  async wait(loginId: string, signal: AbortSignal): Promise<{ readonly source: string; readonly expiresAt: number }> {
    const login = this.#byId.get(loginId);
    if (!login) throw new BrokerError("UsageInvalid", `there is no login ${loginId}`, { hint: "brokerctl login" });
    login.expected.pop()?.();
    login.waiting++;
    let left = (): void => undefined;
    const leaving = new Promise<never>((_, reject) => {
      left = () => reject(new BrokerError("LoginRequired", "no command waits for this login any more"));
      if (signal.aborted) left();
      else signal.addEventListener("abort", left, { once: true });
    });
    try {
      const { expiresAt } = await Promise.race([login.running.done, leaving]);
      return { source: login.source, expiresAt };
    } finally {
      signal.removeEventListener("abort", left);
      login.waiting--;
      this.#cancelIfAlone(login);
    }
  }

  /** Logout: the login that is under way for this session ends without one. */
  async cancel(session: SsoSession): Promise<void> {
    const login = await this.#bySession.get(session.id)?.catch(() => undefined);
    login?.abort.abort();
  }

  /** The daemon stops, or the store is locked. */
  cancelAll(): void {
    for (const { abort } of this.#byId.values()) abort.abort();
  }

  #begin(source: SsoSource, session: SsoSession, flow: LoginFlow): Promise<Login> {
    const starting = this.#launch(source, session, flow);
    this.#bySession.set(session.id, starting);
    const forget = (): void => {
      if (this.#bySession.get(session.id) === starting) this.#bySession.delete(session.id);
    };
    starting.then(({ running }) => running.done.then(forget, forget), forget);
    return starting;
  }

  async #launch(source: SsoSource, session: SsoSession, flow: LoginFlow): Promise<Login> {
    const { tokens, logger, clock } = this.#options;
    const abort = new AbortController();
    const running = await this.#startFlow(flow, {
      source: source.name,
      session,
      signal: abort.signal,
      accept: (token: SsoToken) => tokens.accept(session, token),
      forgetClient: () => void this.#options.registrations.forget(session, flow).catch(() => undefined),
    });
    const id = randomBytes(16).toString("base64url");
    const login = { id, source: source.name, running, abort, waiting: 0, expected: [] };
    this.#byId.set(login.id, login);
    logger.info({ source: source.name, flow }, "login started");
    void running.done
      .then(
        ({ expiresAt }) => {
          logger.info({ source: source.name, flow, expiresAt }, "logged in");
          this.#options.onLoggedIn(session);
        },
        (error: unknown) =>
          logger.info({ source: source.name, flow, reason: toBrokerError(error).message }, "no login"),
      )
      .finally(() => clock.after(REMEMBERED_MS, () => this.#byId.delete(login.id)));
    return login;
  }

  /** A registration that Identity Center has forgotten is made anew, once. */
  async #startFlow(
    flow: LoginFlow,
    attempt: Omit<Parameters<typeof startAuthorizationCode>[0], "client">,
  ): Promise<RunningLogin> {
    const { session } = attempt;
    const client = await this.#options.registrations.obtain(session, flow);
    if (flow === "browser") return startAuthorizationCode({ ...attempt, client }, this.#options);
    try {
      return await startDeviceAuthorization({ ...attempt, client }, this.#options);
    } catch (error) {
      if (toBrokerError(error).signer !== "refused") throw error;
      await this.#options.registrations.forget(session, flow);
      const another = await this.#options.registrations.obtain(session, flow);
      return startDeviceAuthorization({ ...attempt, client: another }, this.#options);
    }
  }

  #expect(login: Login): void {
    const cancel = this.#options.clock.after(JOIN_MS, () => {
      login.expected.splice(login.expected.indexOf(cancel), 1);
      this.#cancelIfAlone(login);
    });
    login.expected.push(cancel);
  }

  #cancelIfAlone(login: Login): void {
    if (login.waiting === 0 && login.expected.length === 0) login.abort.abort();
  }
}
