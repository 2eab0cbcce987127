import { randomBytes } from "node:crypto";
import { BrokerError, toBrokerError } from "../core/errors.js";
import type { Secret } from "../core/secret.js";
import type { Cancel, Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import type { RunningLogin } from "./login-attempt.js";
import type { LoginFlow } from "./token-store.js";

/** Between the answer to `start` and the call of `wait`: a CLI that is killed there is not waited for. */
const JOIN_MS = 15_000;
/** The outcome of a login is kept for callers that ask a little late. */
const REMEMBERED_MS = 60_000;

/** Of one kind of source. */
export interface LoginRegistryOptions<S extends NamedSource> {
  /** Equal for sources that share a login. */
  readonly idOf: (source: S) => string;
  /** Starts a login of the flow; aborted: no command waits any more, so nothing is stored. */
  readonly begin: (source: S, flow: LoginFlow, signal: AbortSignal) => Promise<RunningLogin>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The login is stored: roles that waited can be fetched. */
  readonly onLoggedIn: (source: S) => void;
}

interface NamedSource {
  readonly name: string;
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
export class LoginRegistry<S extends NamedSource> {
  readonly #options: LoginRegistryOptions<S>;
  readonly #bySession = new Map<string, Promise<Login>>();
  readonly #byId = new Map<string, Login>();

  constructor(options: LoginRegistryOptions<S>) {
    this.#options = options;
  }

  /** Starts a login, or joins the one of its session. Call `wait` within 15 s. */
  async start(source: S, flow: LoginFlow): Promise<StartedLogin> {
    const underWay = this.#bySession.get(this.#options.idOf(source));
    const login = await (underWay ?? this.#begin(source, flow));
    this.#expect(login);
    return { loginId: login.id, running: login.running, joined: underWay !== undefined };
  }

  /** Whether it is one of these, under way or just over. */
  has(loginId: string): boolean {
    return this.#byId.has(loginId);
  }

  /** What the user types that a page showed. Rejects with UsageInvalid where it is not of this login, which goes on. */
  async enterCode(loginId: string, typed: Secret): Promise<void> {
    const { running } = this.#known(loginId);
    if (!running.enterCode) throw new BrokerError("UsageInvalid", "this login takes no code: it waits for the browser");
    await running.enterCode(typed);
  }

  /** Resolves with the stored token's end; leaving (`signal`) as the last one cancels the login. */
  async wait(loginId: string, signal: AbortSignal): Promise<{ readonly source: string; readonly expiresAt: number }> {
    const login = this.#known(loginId);
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
  async cancel(source: S): Promise<void> {
    const login = await this.#bySession.get(this.#options.idOf(source))?.catch(() => undefined);
    login?.abort.abort();
  }

  /** The daemon stops, or the store is locked. */
  cancelAll(): void {
    for (const { abort } of this.#byId.values()) abort.abort();
  }

  #known(loginId: string): Login {
    const login = this.#byId.get(loginId);
    if (login) return login;
    throw new BrokerError("UsageInvalid", `there is no login ${loginId}`, { hint: "brokerctl login" });
  }

  #begin(source: S, flow: LoginFlow): Promise<Login> {
    const sessionId = this.#options.idOf(source);
    const starting = this.#launch(source, flow);
    this.#bySession.set(sessionId, starting);
    const forget = (): void => {
      if (this.#bySession.get(sessionId) === starting) this.#bySession.delete(sessionId);
    };
    starting.then(({ running }) => running.done.then(forget, forget), forget);
    return starting;
  }

  async #launch(source: S, flow: LoginFlow): Promise<Login> {
    const { begin, logger, clock } = this.#options;
    const abort = new AbortController();
    const running = await begin(source, flow, abort.signal);
    const id = randomBytes(16).toString("base64url");
    const login = { id, source: source.name, running, abort, waiting: 0, expected: [] };
    this.#byId.set(login.id, login);
    logger.info({ source: source.name, flow }, "login started");
    void running.done
      .then(
        ({ expiresAt }) => {
          logger.info({ source: source.name, flow, expiresAt }, "logged in");
          this.#options.onLoggedIn(source);
        },
        (error: unknown) =>
          logger.info({ source: source.name, flow, reason: toBrokerError(error).message }, "no login"),
      )
      .finally(() => clock.after(REMEMBERED_MS, () => this.#byId.delete(login.id)));
    return login;
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
