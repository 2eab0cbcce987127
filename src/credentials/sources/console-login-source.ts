import type { HeldCredentials } from "../../core/credentials.js";
import { toBrokerError } from "../../core/errors.js";
import type { ConsoleLoginSource, Role } from "../../core/role.js";
import type { ConsoleSessions } from "../../sso/sign-in/console-sessions.js";
import type { AssumeRole, SourceProvider, SourceReadiness } from "./source-provider.js";

export interface ConsoleLoginSourceOptions {
  readonly sessions: ConsoleSessions;
  readonly assumeRole: AssumeRole;
}

/** A role is retrieved when it is due, or its user says so: only what a login or another role has just brought does for it. */
const JUST_NOW_MS = 60_000;

/** `console_login` sources: the credentials of a login to the console, as they are, or as what assumes a role. A retrieval never starts a login. */
export class ConsoleLoginSourceProvider implements SourceProvider<ConsoleLoginSource> {
  readonly #options: ConsoleLoginSourceOptions;

  constructor(options: ConsoleLoginSourceOptions) {
    this.#options = options;
  }

  async retrieve(source: ConsoleLoginSource, role: Role): Promise<HeldCredentials> {
    const { sessions, assumeRole } = this.#options;
    if (!role.assume) return sessions.current(source, JUST_NOW_MS);
    const signer = await sessions.signer(source);
    try {
      return await assumeRole(signer.credentials, role);
    } catch (error) {
      if (toBrokerError(error).signer === undefined) throw error;
    }
    const renewed = await sessions.replaceRefused(source, signer);
    return assumeRole(renewed.credentials, role);
  }

  async readiness(source: ConsoleLoginSource): Promise<SourceReadiness> {
    const { isLoggedIn, expiresAt } = await this.#options.sessions.readiness(source);
    const end = expiresAt === undefined ? undefined : { at: expiresAt };
    return { needs: isLoggedIn ? undefined : "LoginRequired", expiresAt, end };
  }
}
