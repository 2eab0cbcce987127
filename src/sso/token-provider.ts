import type { SsoOidc, TokenOutcome } from "../aws/sso-oidc.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import { type Failure, mayRetry, nextFailure } from "../core/retry-schedule.js";
import { KeyedMutex } from "../core/serial.js";
import type { SsoSession } from "../core/sso-session.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import type { SsoToken, TokenStore } from "./token-store.js";

/** botocore renews from here on; short-lived tokens at a quarter of their life. */
const MAX_RENEWAL_WINDOW_MS = 15 * 60_000;
const RENEWAL_SHARE = 0.25;
/** A token that lives shorter than the one before by more than this ends with its session: none outlives it. */
const SHORTER_BY_MS = 60_000;

export interface TokenProviderOptions {
  readonly oidc: SsoOidc;
  readonly store: TokenStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
}

export interface TokenReadiness {
  readonly isLoggedIn: boolean;
  readonly expiresAt: number | undefined;
  /** Epoch milliseconds, both. */
  readonly end?: { readonly at: number; readonly since?: number };
}

/**
 * Access tokens of SSO sessions, renewed behind while their refresh token works. All that changes one session's token
 * happens one after the other, and is durable before it is used: a rotated refresh token must never be the only copy of
 * what Identity Center counts as spent.
 */
export class TokenProvider {
  readonly #options: TokenProviderOptions;
  readonly #turns = new KeyedMutex();
  readonly #renewals = new Map<string, Promise<SsoToken | undefined>>();
  readonly #failures = new Map<string, Failure>();
  /** Renewed, but the disk was full: written at the next chance, not used before. */
  readonly #unsaved = new Map<string, { readonly session: SsoSession; readonly token: SsoToken }>();

  constructor(options: TokenProviderOptions) {
    this.#options = options;
  }

  /**
   * An access token to use now; undefined: the user must log in. Waits for a renewal only where the old token has ended.
   * Rejects with StoreLocked, or AwsUnreachable where a renewal that is needed cannot be had.
   */
  async current(session: SsoSession): Promise<SsoToken | undefined> {
    const token = await this.#stored(session);
    if (!token) return undefined;
    if (this.#hasEnded(token)) return this.#renew(session);
    if (this.#isDue(token)) this.#renewBehind(session);
    return token;
  }

  /**
   * The portal did not accept this access token, whatever its end says: it is renewed once, where it can be. Undefined:
   * the user must log in.
   */
  async replaceRefused(session: SsoSession, refused: SsoToken): Promise<SsoToken | undefined> {
    await this.#turns.run(session.id, async () => {
      const token = await this.#stored(session);
      if (!token || !isSameToken(token, refused)) return;
      this.#options.logger.warn({ session: session.startUrl }, "access token refused");
      await this.#options.store.putToken(session, { ...token, expiresAt: this.#options.clock.now() });
    });
    return this.current(session);
  }

  /** A login: what was there before is replaced. */
  async accept(session: SsoSession, token: SsoToken): Promise<void> {
    await this.#turns.run(session.id, async () => {
      await this.#options.store.putToken(session, token);
      this.#unsaved.delete(session.id);
      this.#failures.delete(session.id);
    });
  }

  /** Forgets the token, a renewal under way included; resolves with what it was. */
  async drop(session: SsoSession): Promise<SsoToken | undefined> {
    return this.#turns.run(session.id, async () => {
      const token = this.#unsaved.get(session.id)?.token ?? (await this.#options.store.token(session));
      await this.#forget(session);
      return token;
    });
  }

  /** As `drop`, where exactly this one is held. */
  async dropRefused(session: SsoSession, refused: SsoToken): Promise<void> {
    await this.#turns.run(session.id, async () => {
      const token = await this.#options.store.token(session);
      if (token && isSameToken(token, refused)) await this.#forget(session);
    });
  }

  /** Makes no call. `end`: of the login, where it is known. Rejects with StoreLocked. */
  async readiness(session: SsoSession): Promise<TokenReadiness> {
    const token = this.#unsaved.get(session.id)?.token ?? (await this.#options.store.token(session));
    if (!token) return { isLoggedIn: false, expiresAt: undefined };
    if (!this.#hasEnded(token)) return { isLoggedIn: true, expiresAt: token.expiresAt, end: this.#endOf(token) };
    return { isLoggedIn: this.#isRenewable(token), expiresAt: undefined };
  }

  /** Every 15 s: renews what is due, used or not, so that the end of a session is known when it comes. */
  async sweep(sessions: Iterable<SsoSession>): Promise<void> {
    const failures: unknown[] = [];
    for (const session of sessions) {
      try {
        const token = await this.#stored(session);
        if (token && (this.#isDue(token) || this.#hasEnded(token))) this.#renewBehind(session);
      } catch (error) {
        failures.push(error); // a full disk: the other sessions are looked at all the same
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Pauses grew before a suspend: they say nothing about the network after it. */
  forgetPauses(): void {
    this.#failures.clear();
  }

  /** Resolves once no renewal is under way, and what the disk did not take was tried once more. */
  async settle(): Promise<void> {
    await Promise.allSettled(this.#renewals.values());
    await Promise.allSettled([...this.#unsaved.values()].map(({ session, token }) => this.#save(session, token)));
  }

  /** Start URLs of renewed sessions that the disk did not take: a restart would ask for a login. */
  get unsaved(): readonly string[] {
    return [...this.#unsaved.values()].map(({ session }) => session.startUrl);
  }

  /** Lock: nothing of a session stays in memory. */
  forgetUnsaved(): void {
    this.#unsaved.clear();
  }

  #renewBehind(session: SsoSession): void {
    this.#renew(session).catch(() => undefined);
  }

  /** The one renewal of a session, however many ask. */
  #renew(session: SsoSession): Promise<SsoToken | undefined> {
    const running = this.#renewals.get(session.id);
    if (running) return running;
    const failure = this.#failures.get(session.id);
    if (failure && !mayRetry(failure, this.#options.clock.now())) return Promise.reject(failure.error);
    const renewal = this.#turns
      .run(session.id, () => this.#renewInTurn(session))
      .catch((error: unknown) => this.#fail(session, toBrokerError(error)))
      .finally(() => this.#renewals.delete(session.id));
    this.#renewals.set(session.id, renewal);
    return renewal;
  }

  async #renewInTurn(session: SsoSession): Promise<SsoToken | undefined> {
    const { store, clock } = this.#options;
    const token = await store.token(session);
    // A login or an earlier renewal came first.
    if (token && !this.#isDue(token) && !this.#hasEnded(token)) return token;
    if (token && this.#isRenewable(token)) return this.#askForRenewal(session, token);
    if (!token) return undefined;
    if (clock.now() < token.expiresAt) return token;
    await this.#forget(session);
    this.#options.logger.info({ session: session.startUrl }, "sso session ended");
    return undefined;
  }

  async #askForRenewal(session: SsoSession, token: SsoToken): Promise<SsoToken | undefined> {
    const { oidc, clock, logger } = this.#options;
    const { client, refreshToken } = token;
    if (!refreshToken) return undefined;
    const outcome = await oidc.createToken(client, { kind: "refresh", refreshToken }, session.region);
    switch (outcome.outcome) {
      case "granted": {
        const { accessToken, expiresAt } = outcome;
        // The answer decides: without a new refresh token the old one is not to be used again.
        const next = outcome.refreshToken ? { refreshToken: outcome.refreshToken } : {};
        const received: SsoToken = { accessToken, expiresAt, receivedAt: clock.now(), client, ...next };
        const renewed = { ...received, ...sessionEndIn(received, token) };
        await this.#save(session, renewed);
        this.#failures.delete(session.id);
        logger.info({ session: session.startUrl, expiresAt }, "access token renewed");
        return renewed;
      }
      case "pending":
      case "slow_down":
        throw new BrokerError("AwsUnreachable", `Identity Center asks to slow down for ${session.startUrl}`);
      case "denied":
      case "expired":
      case "invalid_client":
      case "invalid_grant":
        await this.#giveUp(session, token, outcome);
        return undefined;
    }
  }

  async #giveUp(session: SsoSession, { client }: SsoToken, { outcome }: TokenOutcome): Promise<void> {
    const { store, logger } = this.#options;
    logger.warn({ session: session.startUrl, outcome }, "renewal refused, login required");
    await this.#forget(session);
    // A login with it would end on a page in the browser, of which we hear nothing.
    if (outcome === "invalid_client") await store.deleteRefusedClient(session, client);
  }

  /** The refresh token that it replaces is spent: until this one is durable it is kept here, and not used. */
  async #save(session: SsoSession, token: SsoToken): Promise<void> {
    try {
      await this.#options.store.putToken(session, token);
      this.#unsaved.delete(session.id);
    } catch (error) {
      if (toBrokerError(error).code !== "StoreLocked") this.#unsaved.set(session.id, { session, token });
      throw error;
    }
  }

  async #stored(session: SsoSession): Promise<SsoToken | undefined> {
    const unsaved = this.#unsaved.get(session.id);
    if (unsaved) await this.#save(session, unsaved.token);
    return this.#options.store.token(session);
  }

  async #forget(session: SsoSession): Promise<void> {
    this.#unsaved.delete(session.id);
    this.#failures.delete(session.id);
    await this.#options.store.deleteToken(session);
  }

  #fail(session: SsoSession, error: BrokerError): never {
    const { clock, random, logger } = this.#options;
    const previous = this.#failures.get(session.id);
    this.#failures.set(session.id, nextFailure({ error, previous, now: clock.now(), random }));
    logger.warn({ session: session.startUrl, code: error.code, reason: error.message }, "access token not renewed");
    throw error;
  }

  /** A renewable one lives as long as its session, whose end Identity Center does not tell, and as its client's registration. */
  #endOf(token: SsoToken): { readonly at: number; readonly since?: number } {
    const { expiresAt, receivedAt, sessionEndsAt, client } = token;
    if (!this.#isRenewable(token)) return { at: expiresAt, since: receivedAt };
    return { at: sessionEndsAt ?? Math.max(expiresAt, client.expiresAt) };
  }

  #hasEnded({ expiresAt }: SsoToken): boolean {
    return this.#options.clock.now() >= expiresAt;
  }

  #isRenewable({ refreshToken, client }: SsoToken): boolean {
    return refreshToken !== undefined && this.#options.clock.now() < client.expiresAt;
  }

  #isDue(token: SsoToken): boolean {
    const window = Math.min(MAX_RENEWAL_WINDOW_MS, RENEWAL_SHARE * (token.expiresAt - token.receivedAt));
    return this.#isRenewable(token) && this.#options.clock.now() >= token.expiresAt - window;
  }
}

/** As far as the renewal shows it. */
function sessionEndIn(renewed: SsoToken, former: SsoToken): Pick<SsoToken, "sessionEndsAt"> {
  const life = ({ expiresAt, receivedAt }: SsoToken): number => expiresAt - receivedAt;
  const isShorter = life(renewed) < life(former) - SHORTER_BY_MS;
  const isNoLater = renewed.expiresAt - former.expiresAt < SHORTER_BY_MS;
  return isShorter || isNoLater ? { sessionEndsAt: renewed.expiresAt } : {};
}

function isSameToken(a: SsoToken, b: SsoToken): boolean {
  return a.accessToken.reveal() === b.accessToken.reveal();
}
