import type { AssumedRole, Sts } from "../aws/sts.js";
import type { HeldCredentials, SigningCredentials } from "../core/credentials.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import type { AssumeRoleParameters, Role } from "../core/role.js";
import type { Clock } from "../system/clock.js";
import { type KeysSessions, nameSource } from "./sources/keys-sessions.js";

/** Credentials of roles that are only assumed through, shared between the roles behind them. */
export interface Hops {
  /** Waits for them; being a hop does not count as being fetched. */
  retrieveForHop(role: Role): Promise<HeldCredentials>;
  /** AWS said these are expired: forget just them. */
  forget(role: Role, stale: HeldCredentials): void;
}

export interface RoleProviderOptions {
  readonly sts: Sts;
  readonly sessions: KeysSessions;
  readonly hops: Hops;
  readonly clock: Clock;
}

/** Yields new credentials for a role from upstream: its source, then one hop after the other (design §4.5). */
export class RoleProvider {
  readonly #options: RoleProviderOptions;

  constructor(options: RoleProviderOptions) {
    this.#options = options;
  }

  async retrieve(role: Role): Promise<HeldCredentials> {
    const { origin, assume } = role;
    if (origin.kind === "role") return this.#assumeFromRole(role, origin.role);
    if (!assume) return this.#options.sessions.session(origin.source);
    const signer = await this.#options.sessions.signer(origin.source);
    try {
      return await this.#assume(signer, assume, role);
    } catch (error) {
      throw this.#explainFirstHop(toBrokerError(error), role, origin.source.name);
    }
  }

  /** A hop's credentials may have been revoked or the clock skewed: on "expired" they are fetched anew, once. */
  async #assumeFromRole(role: Role, via: Role): Promise<HeldCredentials> {
    const { assume } = role;
    if (!assume) throw new BrokerError("ConfigInvalid", `role ${role.name} has a source_role but no role_arn`);
    const hop = await this.#options.hops.retrieveForHop(via);
    try {
      return await this.#assume(hop.credentials, assume, role);
    } catch (error) {
      if (toBrokerError(error).signer === undefined) throw error;
      this.#options.hops.forget(via, hop);
      const renewed = await this.#options.hops.retrieveForHop(via);
      return this.#assume(renewed.credentials, assume, role);
    }
  }

  async #assume(signer: SigningCredentials, assume: AssumeRoleParameters, role: Role): Promise<HeldCredentials> {
    const { sts, clock } = this.#options;
    const assumed: AssumedRole = await sts.assumeRole(signer, assume, role.stsRegion);
    return { credentials: assumed.credentials, receivedAt: clock.now(), roleArn: assume.roleArn };
  }

  /** An MFA session that AWS calls expired needs a new login; a refused long-term key a new key. */
  #explainFirstHop(error: BrokerError, role: Role, source: string): BrokerError {
    const keys = role.origin.kind === "source" ? role.origin.source : undefined;
    if (keys?.mfaSerial !== undefined && error.signer !== undefined) {
      this.#options.sessions.drop(source);
      return new BrokerError("MfaRequired", `the MFA session of source ${source} is no longer accepted`, {
        hint: `brokerctl login ${source}`,
        cause: error,
      });
    }
    return nameSource(error, source);
  }
}
