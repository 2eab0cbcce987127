import type { SsoPortal } from "../aws/sso.js";
import type { SsoOidc } from "../aws/sso-oidc.js";
import { toBrokerError } from "../core/errors.js";
import type { SsoSource } from "../core/role.js";
import { type SsoSession, sessionOf } from "../core/sso-session.js";
import type { SecretStore } from "../secrets/secret-store.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import { AccountListing } from "./account-listing.js";
import type { ListenForCallback } from "./browser-answer.js";
import { ClientRegistrations } from "./client-registrations.js";
import { LoginRegistry } from "./login-registry.js";
import { PacedPortal } from "./paced-portal.js";
import { createStartSsoLogin } from "./start-sso-login.js";
import { TokenProvider } from "./token-provider.js";
import { TokenStore } from "./token-store.js";
import { createWithToken, type WithToken } from "./with-token.js";

export interface SsoOptions {
  readonly oidc: SsoOidc;
  readonly portal: SsoPortal;
  readonly secrets: SecretStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
  readonly listen: ListenForCallback;
  /** The sources in force. */
  readonly sources: () => Iterable<SsoSource>;
  /** A source can be signed with again. */
  readonly onLoggedIn: (source: string) => void;
}

/** What came of a logout. */
interface LoggedOut {
  readonly wasLoggedIn: boolean;
  /** Every source that shared the login, the one that was named included. */
  readonly sources: readonly string[];
  /** Why Identity Center could not be informed; the token is gone all the same. */
  readonly problem: string | undefined;
}

/** A login that soon no renewal keeps alive: its client's registration with Identity Center ends. */
export interface EndingLogin {
  /** All that share it. */
  readonly sources: readonly string[];
  /** Epoch milliseconds. */
  readonly renewableUntil: number;
}

/** IAM Identity Center as the broker uses it: logins, their tokens, the portal behind them. */
export interface Sso {
  readonly logins: LoginRegistry<SsoSource>;
  readonly tokens: TokenProvider;
  readonly listing: AccountListing;
  readonly portal: SsoPortal;
  readonly withToken: WithToken;
  logout(source: SsoSource): Promise<LoggedOut>;
  /** The wall clock jumped: what could not be reached before is asked at the next chance. */
  onResume(): void;
  /** Every 15 s. */
  sweep(): Promise<void>;
  /** Daily: deletes client registrations that have ended, and logs what `endingLogins` says. Rejects with StoreLocked. */
  checkRegistrations(): Promise<void>;
  /** Logins that can be renewed for seven days at most. A new login ends that. Rejects with StoreLocked. */
  endingLogins(): Promise<readonly EndingLogin[]>;
  /**
   * Before the store is locked, or brokerd ends: logins end, renewals under way may still be stored, then nothing of a
   * session stays in memory. Takes 1.5 s at most.
   */
  lock(): Promise<void>;
}

/** As long as a stop waits for the answers under way. */
const SETTLE_MS = 1500;

export function createSso(options: SsoOptions): Sso {
  const { oidc, secrets, clock, logger, random, listen } = options;
  const portal = new PacedPortal({ portal: options.portal, clock });
  const store = new TokenStore(secrets);
  const tokens = new TokenProvider({ oidc, store, clock, logger, random });
  const registrations = new ClientRegistrations({ oidc, store, clock, logger });
  const withToken = createWithToken(tokens);
  const sessions = (): readonly SsoSession[] => uniqueSessions(options.sources());
  const sourcesOf = ({ id }: SsoSession): readonly string[] =>
    [...options.sources()].filter((source) => sessionOf(source).id === id).map(({ name }) => name);
  const listing = new AccountListing({ portal, withToken, clock, random });
  const logins = new LoginRegistry<SsoSource>({
    idOf: (source) => sessionOf(source).id,
    begin: createStartSsoLogin({ oidc, tokens, registrations, clock, listen }),
    ...{ clock, logger },
    onLoggedIn: (source) => {
      const session = sessionOf(source);
      listing.forget(session);
      sourcesOf(session).forEach(options.onLoggedIn);
    },
  });
  return {
    logins,
    tokens,
    portal,
    withToken,
    listing,
    async logout(source) {
      const session = sessionOf(source);
      await logins.cancel(source);
      listing.forget(session);
      const token = await tokens.drop(session);
      const problem = token && (await problemOf(() => portal.logout(token.accessToken, session.region)));
      logger.info({ source: source.name, wasLoggedIn: token !== undefined }, "logged out");
      return { wasLoggedIn: token !== undefined, sources: sourcesOf(session), problem };
    },
    onResume: () => tokens.forgetPauses(),
    sweep: () => tokens.sweep(sessions()),
    checkRegistrations: () => registrations.check(sessions()),
    async endingLogins() {
      const ending: EndingLogin[] = [];
      for (const session of sessions()) {
        const renewableUntil = await registrations.renewableUntil(session);
        if (renewableUntil !== undefined) ending.push({ sources: sourcesOf(session), renewableUntil });
      }
      return ending;
    },
    async lock() {
      logins.cancelAll();
      listing.forgetAll();
      await settled(tokens, clock);
      tokens.forgetUnsaved();
    },
  };
}

/** Renewals under way have ended, or took too long. */
function settled(tokens: TokenProvider, clock: Clock): Promise<void> {
  return new Promise<void>((resolve) => {
    const cancel = clock.after(SETTLE_MS, resolve);
    void tokens.settle().then(() => {
      cancel();
      resolve();
    });
  });
}

async function problemOf(action: () => Promise<void>): Promise<string | undefined> {
  try {
    await action();
    return undefined;
  } catch (error) {
    const { code, message } = toBrokerError(error);
    // A session that has ended by itself is what was wanted.
    return code === "LoginRequired" ? undefined : message;
  }
}

function uniqueSessions(sources: Iterable<SsoSource>): readonly SsoSession[] {
  const sessions = [...sources].map(sessionOf);
  return [...new Map(sessions.map((session) => [session.id, session])).values()];
}
