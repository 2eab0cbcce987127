import type { SignIn } from "../../aws/sign-in.js";
import type { ConsoleLoginSource } from "../../core/role.js";
import type { SecretStore } from "../../secrets/secret-store.js";
import type { Clock } from "../../system/clock.js";
import type { Logger } from "../../system/logger.js";
import type { ListenForCallback } from "../browser-answer.js";
import { LoginRegistry } from "../login-registry.js";
import { ConsoleLoginStore } from "./console-login-store.js";
import { ConsoleSessions } from "./console-sessions.js";
import { createStartConsoleLogin } from "./start-console-login.js";

export interface ConsoleLoginsOptions {
  readonly signIn: SignIn;
  readonly secrets: SecretStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly listen: ListenForCallback;
  /** A source can be signed with again. */
  readonly onLoggedIn: (source: string) => void;
}

/** Logins to the AWS console, as `aws login` makes them, each of one source. */
export interface ConsoleLogins {
  readonly logins: LoginRegistry<ConsoleLoginSource>;
  readonly sessions: ConsoleSessions;
  /** AWS has no call that ends a session by its own tokens: without key and refresh token no one can renew it. */
  logout(source: ConsoleLoginSource): Promise<{ readonly wasLoggedIn: boolean }>;
  /** Before the store is locked, or brokerd ends: as `Sso.lock`. */
  lock(): Promise<void>;
}

/** As long as a stop waits for the answers under way. */
const SETTLE_MS = 1500;

export function createConsoleLogins(options: ConsoleLoginsOptions): ConsoleLogins {
  const { signIn, clock, logger, listen } = options;
  const sessions = new ConsoleSessions({ signIn, store: new ConsoleLoginStore(options.secrets), clock, logger });
  const logins = new LoginRegistry<ConsoleLoginSource>({
    idOf: ({ name }) => name,
    begin: createStartConsoleLogin({ signIn, sessions, clock, listen }),
    onLoggedIn: ({ name }) => options.onLoggedIn(name),
    ...{ clock, logger },
  });
  return {
    logins,
    sessions,
    async logout(source) {
      await logins.cancel(source);
      const wasLoggedIn = await sessions.drop(source.name);
      logger.info({ source: source.name, wasLoggedIn }, "logged out");
      return { wasLoggedIn };
    },
    async lock() {
      logins.cancelAll();
      await new Promise<void>((resolve) => {
        const cancel = clock.after(SETTLE_MS, resolve);
        void sessions.settle().then(() => {
          cancel();
          resolve();
        });
      });
      sessions.forgetAll();
    },
  };
}
