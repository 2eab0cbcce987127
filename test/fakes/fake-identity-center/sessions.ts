import type { Registration } from "./registrations.js";
import { ACCOUNT_ACCESS, type Settings } from "./settings.js";
import { SsoRefusal } from "./sso-refusal.js";
import { secretText } from "./tokens.js";

/** One sign-in of one user through one client. */
interface Session {
  readonly user: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** Epoch milliseconds. */
  readonly endsAt: number;
  readonly isRenewable: boolean;
  isEnded: boolean;
  /** The live one. */
  refreshToken: string | undefined;
}

interface AccessToken {
  readonly session: Session;
  /** Epoch milliseconds. */
  expiresAt: number;
}

export interface Tokens {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  readonly refreshToken: string | undefined;
}

export interface SessionsOptions {
  readonly settings: Settings;
  readonly now: () => number;
}

/** Sign-in sessions with their access and refresh tokens. */
export class Sessions {
  readonly #settings: Settings;
  readonly #now: () => number;
  readonly #accessTokens = new Map<string, AccessToken>();
  /** Every refresh token that ever was; live only while it is its session's. */
  readonly #refreshTokens = new Map<string, Session>();

  constructor({ settings, now }: SessionsOptions) {
    this.#settings = settings;
    this.#now = now;
  }

  open(user: string, { clientId, scopes, grantTypes }: Registration, asked: readonly string[] = scopes): Tokens {
    const session: Session = {
      user,
      clientId,
      // A client without scopes is a legacy one: it may use the portal, for one session.
      scopes: asked.length === 0 ? [ACCOUNT_ACCESS] : asked,
      endsAt: this.#now() + this.#settings.sessionSeconds * 1000,
      isRenewable: asked.includes(ACCOUNT_ACCESS) && grantTypes.includes("refresh_token"),
      isEnded: false,
      refreshToken: undefined,
    };
    if (session.isRenewable) this.#newRefreshToken(session);
    return this.#newTokens(session);
  }

  /** A refresh token lives as long as its session, is its client's own, and may be used once where it is rotated. */
  refresh({ clientId }: Registration, refreshToken: string): Tokens {
    const session = this.#refreshTokens.get(refreshToken);
    const isLive = session?.refreshToken === refreshToken && this.#isLive(session) && session.clientId === clientId;
    if (!isLive) throw new SsoRefusal("InvalidGrantException", "Invalid refresh token provided");
    const { rotation } = this.#settings;
    if (rotation === "rotate") this.#newRefreshToken(session);
    if (rotation === "omit") session.refreshToken = undefined;
    return this.#newTokens(session);
  }

  /** The user behind an access token that may use the portal. */
  userOf(accessToken: string | undefined): string {
    return this.#portalSession(accessToken).user;
  }

  /** Logout: ends the whole session, renewals too. */
  end(accessToken: string | undefined): void {
    this.#portalSession(accessToken).isEnded = true;
  }

  /** What an administrator does with all sessions of a user, or of all users. */
  endAll(user?: string): void {
    for (const session of this.#all()) if (user === undefined || session.user === user) session.isEnded = true;
  }

  revokeRefreshTokens(): void {
    for (const session of this.#all()) session.refreshToken = undefined;
  }

  expireAccessTokens(): void {
    for (const token of this.#accessTokens.values()) token.expiresAt = Math.min(token.expiresAt, this.#now());
  }

  #portalSession(accessToken: string | undefined): Session {
    const token = this.#accessTokens.get(accessToken ?? "");
    const isValid = token && this.#isLive(token.session) && this.#now() < token.expiresAt;
    if (!isValid || !token.session.scopes.includes(ACCOUNT_ACCESS)) {
      throw new SsoRefusal("UnauthorizedException", "Session token not found or invalid");
    }
    return token.session;
  }

  #isLive({ isEnded, endsAt }: Session): boolean {
    return !isEnded && this.#now() < endsAt;
  }

  #newRefreshToken(session: Session): void {
    session.refreshToken = secretText("aor");
    this.#refreshTokens.set(session.refreshToken, session);
  }

  /** No token outlives its session; one that cannot be renewed lives as long as that. */
  #newTokens(session: Session): Tokens {
    const { endsAt, isRenewable, refreshToken } = session;
    const now = this.#now();
    const expiresAt = isRenewable ? Math.min(endsAt, now + this.#settings.accessTokenSeconds * 1000) : endsAt;
    const accessToken = secretText("aoa");
    this.#accessTokens.set(accessToken, { session, expiresAt });
    return { accessToken, expiresInSeconds: Math.floor((expiresAt - now) / 1000), refreshToken };
  }

  #all(): ReadonlySet<Session> {
    return new Set([...this.#accessTokens.values()].map(({ session }) => session));
  }
}
