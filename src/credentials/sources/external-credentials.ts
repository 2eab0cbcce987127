import type { Sts } from "../../aws/sts.js";
import type { FoundCredentials, HeldCredentials } from "../../core/credentials.js";
import { BrokerError, toBrokerError } from "../../core/errors.js";
import { refreshWindows } from "../../core/refresh-windows.js";
import type { Role, Source } from "../../core/role.js";
import type { Clock } from "../../system/clock.js";
import type { AssumeRole, SourceProvider, SourceReadiness } from "./source-provider.js";

/** AWS's own default for GetSessionToken, seconds. */
const SESSION_DURATION = 43_200;

export interface ExternalCredentialsOptions<S extends Source> {
  /** Asks the program, profile or machine; rejects with what the client should read. */
  readonly find: (source: S) => Promise<FoundCredentials>;
  /** Rejects with what `find` would certainly reject with, without asking. */
  readonly check?: (source: S) => Promise<void>;
  readonly sts: Sts;
  readonly assumeRole: AssumeRole;
  readonly clock: Clock;
}

/** What is known of one source; another definition under the same name begins anew. */
interface Known {
  readonly definition: string;
  held?: HeldCredentials;
  error?: BrokerError;
  pending?: Promise<FoundCredentials>;
}

/**
 * Sources whose credentials come from outside of us: programs, profiles, the machine. Temporary credentials sign AssumeRole, and are served
 * as they are where a role has no role_arn. Long-term keys are treated like those of `keys`: they sign, for one call,
 * and never leave; a role without role_arn gets a GetSessionToken session.
 */
export class ExternalCredentials<S extends Source> implements SourceProvider<S> {
  readonly #options: ExternalCredentialsOptions<S>;
  readonly #known = new Map<string, Known>();

  constructor(options: ExternalCredentialsOptions<S>) {
    this.#options = options;
  }

  async retrieve(source: S, role: Role): Promise<HeldCredentials> {
    if (!role.assume) return this.#own(source, await this.#fetch(source));
    const signer = this.#held(source) ?? (await this.#fetch(source));
    try {
      return await this.#options.assumeRole(signer, role);
    } catch (error) {
      if (toBrokerError(error).signer === undefined) throw error;
    }
    // The signing credentials were revoked or replaced where they came from: fetched anew, once.
    delete this.#of(source).held;
    const renewed = await this.#fetch(source);
    return this.#options.assumeRole(renewed, role).catch((error: unknown) => {
      throw explain(toBrokerError(error), source);
    });
  }

  async readiness(source: S): Promise<SourceReadiness> {
    const { held, error } = this.#of(source);
    if (held && this.#held(source)) {
      return { needs: undefined, expiresAt: refreshWindows(held).advertisedExpiration };
    }
    if (error) return { needs: error.code, expiresAt: undefined };
    await this.#options.check?.(source);
    return { needs: undefined, expiresAt: undefined };
  }

  /** Lock: nothing is kept, and what is still under way is not taken. */
  dropAll(): void {
    this.#known.clear();
  }

  /** One `find` at a time, however many roles need its outcome. */
  #fetch(source: S): Promise<FoundCredentials> {
    const known = this.#of(source);
    known.pending ??= this.#find(source, known).finally(() => delete known.pending);
    return known.pending;
  }

  async #find(source: S, known: Known): Promise<FoundCredentials> {
    delete known.error;
    try {
      const found = await this.#options.find(source);
      const held = this.#asHeld(found);
      if (held) known.held = held;
      return found;
    } catch (error) {
      known.error = toBrokerError(error);
      throw error;
    }
  }

  async #own(source: S, found: FoundCredentials): Promise<HeldCredentials> {
    const held = this.#asHeld(found);
    if (held) return held;
    if (found.sessionToken) {
      const message = `source ${source.name} gives session credentials and does not say when they end: they can sign, but not be served`;
      throw new BrokerError("ConfigInvalid", message, { hint: "give the role a role_arn: brokerctl config edit" });
    }
    const { sts, clock } = this.#options;
    const parameters = { durationSeconds: SESSION_DURATION };
    const credentials = await sts.getSessionToken(found, parameters, source.stsRegion).catch((error: unknown) => {
      throw explain(toBrokerError(error), source);
    });
    return { credentials: withAccount(credentials, found.accountId), receivedAt: clock.now() };
  }

  #asHeld({ sessionToken, expiration, ...found }: FoundCredentials): HeldCredentials | undefined {
    if (sessionToken === undefined || expiration === undefined) return undefined;
    return { credentials: { ...found, sessionToken, expiration }, receivedAt: this.#options.clock.now() };
  }

  /** Undefined: nothing is held, or a renewal is wise by now. */
  #held(source: S): FoundCredentials | undefined {
    const { held } = this.#of(source);
    return held && this.#options.clock.now() < refreshWindows(held).advisoryAt ? held.credentials : undefined;
  }

  #of(source: S): Known {
    const definition = JSON.stringify(source);
    const known = this.#known.get(source.name);
    if (known?.definition === definition) return known;
    const fresh: Known = { definition };
    this.#known.set(source.name, fresh);
    return fresh;
  }
}

function withAccount<C extends HeldCredentials["credentials"]>(credentials: C, accountId: string | undefined): C {
  return accountId === undefined ? credentials : { ...credentials, accountId };
}

/** STS does not know where the signing credentials came from, which is where they must be fixed. */
function explain(error: BrokerError, { name, type }: Source): BrokerError {
  if (error.signer === undefined) return error;
  const message = `AWS does not accept the credentials that source ${name} (${type}) gives: ${error.message}`;
  return new BrokerError(error.code, message, {
    hint: "fix them where they come from, then brokerctl refresh",
    cause: error,
    signer: error.signer,
  });
}
