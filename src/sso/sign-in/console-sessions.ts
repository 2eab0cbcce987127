import type { SignIn, SignInOutcome } from "../../aws/sign-in.js";
import type { HeldCredentials } from "../../core/credentials.js";
import { BrokerError, isRecoverable, toBrokerError } from "../../core/errors.js";
import { refreshWindows } from "../../core/refresh-windows.js";
import type { ConsoleLoginSource } from "../../core/role.js";
import { KeyedMutex } from "../../core/serial.js";
import type { Clock } from "../../system/clock.js";
import type { Logger } from "../../system/logger.js";
import type { ConsoleLogin, ConsoleLoginStore } from "./console-login-store.js";

export interface ConsoleSessionsOptions {
  readonly signIn: SignIn;
  readonly store: ConsoleLoginStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Credentials of logins to the console: AWS gives them for 15 minutes, and new ones for the login's refresh token, which it replaces
 * each time. All that changes one login happens one after the other, and is durable before what came with it is used.
 */
export class ConsoleSessions {
  readonly #options: ConsoleSessionsOptions;
  readonly #held = new Map<string, HeldCredentials>();
  readonly #turns = new KeyedMutex();
  readonly #renewals = new Map<string, Promise<HeldCredentials>>();
  /** Renewed, but the disk was full: written at the next chance; what came with it is not used before. */
  readonly #unsaved = new Map<string, ConsoleLogin>();
  /** Counts locks: what was asked for before one is not kept after it. */
  #generation = 0;

  constructor(options: ConsoleSessionsOptions) {
    this.#options = options;
  }

  /**
   * Credentials whose renewal is not due, and that came at most `maxAgeMs` ago. Rejects with LoginRequired, with StoreLocked, or
   * AwsUnreachable.
   */
  async current(source: ConsoleLoginSource, maxAgeMs = Number.POSITIVE_INFINITY): Promise<HeldCredentials> {
    return this.#fresh(source.name, maxAgeMs) ?? this.#renew(source, maxAgeMs);
  }

  /** What may sign a call now: as `current`, else what still lives while AWS cannot be reached. */
  async signer(source: ConsoleLoginSource): Promise<HeldCredentials> {
    try {
      return await this.current(source);
    } catch (error) {
      const held = this.#held.get(source.name);
      const isAlive = held && this.#options.clock.now() < refreshWindows(held).advertisedExpiration;
      if (!isAlive || !isRecoverable(toBrokerError(error))) throw error;
      return held;
    }
  }

  /** AWS did not accept these as a signer, whatever their end says. */
  async replaceRefused(source: ConsoleLoginSource, refused: HeldCredentials): Promise<HeldCredentials> {
    if (this.#held.get(source.name) === refused) this.#held.delete(source.name);
    return this.current(source);
  }

  /** A login: what was there before is replaced. */
  async accept(source: string, login: ConsoleLogin, held: HeldCredentials): Promise<void> {
    await this.#turns.run(source, async () => {
      await this.#options.store.put(source, login);
      this.#unsaved.delete(source);
      this.#held.set(source, held);
    });
  }

  /** Logout: nothing of the login is left here. Resolves with whether there was one. */
  async drop(source: string): Promise<boolean> {
    return this.#turns.run(source, async () => {
      const login = this.#unsaved.get(source) ?? (await this.#options.store.get(source));
      await this.#forget(source);
      return login !== undefined;
    });
  }

  /** Its source gets another name. */
  async copy(source: string, to: string): Promise<void> {
    await this.#turns.run(source, async () => {
      const login = this.#unsaved.get(source) ?? (await this.#options.store.get(source));
      if (!login) return;
      await this.#options.store.put(to, login);
      const held = this.#held.get(source);
      if (held) this.#held.set(to, held);
    });
  }

  /** Makes no call. Rejects with StoreLocked. */
  async readiness(
    source: ConsoleLoginSource,
  ): Promise<{ readonly isLoggedIn: boolean; readonly expiresAt: number | undefined }> {
    const login = this.#unsaved.get(source.name) ?? (await this.#options.store.get(source.name));
    const isGood = login !== undefined && this.#options.clock.now() < login.endsAt && isOf(source, login);
    return { isLoggedIn: isGood, expiresAt: isGood ? login.endsAt : undefined };
  }

  /** Resolves once no renewal is under way, and what the disk did not take was tried once more. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#renewals.values());
    await Promise.allSettled([...this.#unsaved].map(([source, login]) => this.#save(source, login)));
  }

  /** Sources whose renewed login the disk did not take: a restart may ask for a login. */
  get unsaved(): readonly string[] {
    return [...this.#unsaved.keys()];
  }

  /** Lock: nothing of a login stays in memory. */
  forgetAll(): void {
    this.#generation++;
    this.#held.clear();
    this.#unsaved.clear();
  }

  /** The one renewal of a login, however many ask. */
  #renew(source: ConsoleLoginSource, maxAgeMs: number): Promise<HeldCredentials> {
    const { name } = source;
    const running = this.#renewals.get(name);
    if (running) return running;
    const renewal = this.#turns
      .run(name, () => this.#renewInTurn(source, maxAgeMs))
      .finally(() => this.#renewals.delete(name));
    this.#renewals.set(name, renewal);
    return renewal;
  }

  #fresh(source: string, maxAgeMs: number): HeldCredentials | undefined {
    const now = this.#options.clock.now();
    const held = this.#held.get(source);
    return held && now < refreshWindows(held).advisoryAt && now - held.receivedAt <= maxAgeMs ? held : undefined;
  }

  async #renewInTurn(source: ConsoleLoginSource, maxAgeMs: number): Promise<HeldCredentials> {
    const { signIn, store, clock, logger } = this.#options;
    const { name } = source;
    const generation = this.#generation;
    const fresh = this.#fresh(name, maxAgeMs);
    // A login came first.
    if (fresh) return fresh;
    const unsaved = this.#unsaved.get(name);
    if (unsaved) await this.#save(name, unsaved);
    const login = unsaved ?? (await store.get(name));
    if (!login) throw loginRequired(name, "needs a login");
    if (!isOf(source, login))
      throw loginRequired(name, `is logged in to as ${login.loginSession}, not as login_session says`);
    const { clientId, refreshToken, dpopKey, region, accountId } = login;
    const outcome = await signIn.createToken(dpopKey, { kind: "refresh", clientId, refreshToken }, region);
    if (outcome.outcome !== "granted") return this.#giveUp(name, outcome);
    await this.#save(name, { ...login, refreshToken: outcome.refreshToken });
    if (generation !== this.#generation) throw lockedMeanwhile(name);
    const renewed = { credentials: { ...outcome.credentials, accountId }, receivedAt: clock.now() };
    this.#held.set(name, renewed);
    logger.info({ source: name, expiration: renewed.credentials.expiration }, "console login renewed");
    return renewed;
  }

  async #giveUp(source: string, { outcome }: Exclude<SignInOutcome, { readonly outcome: "granted" }>): Promise<never> {
    this.#options.logger.warn({ source, outcome }, "console login not renewed");
    // It works again once the policy is back.
    if (outcome === "not_allowed") throw notAllowed(source);
    await this.#forget(source);
    throw loginRequired(source, WHY[outcome]);
  }

  /** The refresh token that it replaces is spent: until this one is durable it is kept here, and nothing used that came with it. */
  async #save(source: string, login: ConsoleLogin): Promise<void> {
    try {
      await this.#options.store.put(source, login);
      this.#unsaved.delete(source);
    } catch (error) {
      if (toBrokerError(error).code !== "StoreLocked") this.#unsaved.set(source, login);
      throw error;
    }
  }

  async #forget(source: string): Promise<void> {
    this.#unsaved.delete(source);
    this.#held.delete(source);
    await this.#options.store.delete(source);
  }
}

const WHY = {
  ended: "needs a login: its session has ended",
  changed: "needs a login: its user's password was changed",
  invalid: "needs a login: AWS does not know its session",
} as const;

function isOf({ loginSession }: ConsoleLoginSource, login: ConsoleLogin): boolean {
  return loginSession === undefined || loginSession === login.loginSession;
}

function loginRequired(source: string, why: string): BrokerError {
  return new BrokerError("LoginRequired", `source ${source} ${why}`, { hint: `brokerctl login ${source}` });
}

function lockedMeanwhile(source: string): BrokerError {
  return new BrokerError("StoreLocked", `the store was locked while the login of ${source} was renewed`, {
    hint: "brokerctl unlock",
  });
}

/** Also of a first login. */
export function notAllowed(source: string): BrokerError {
  return new BrokerError("AssumeRoleDenied", `source ${source}: AWS gives its user no credentials for programs`, {
    hint: "have the managed policy SignInLocalDevelopmentAccess attached to the user or role that logs in",
  });
}
