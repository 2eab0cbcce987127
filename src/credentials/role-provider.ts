import type { AssumedRole, Sts } from "../aws/sts.js";
import type { HeldCredentials, SigningCredentials } from "../core/credentials.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import type { AssumeRoleParameters, Role, Source } from "../core/role.js";
import type { Clock } from "../system/clock.js";
import type { SourceProvider, SourceProviders } from "./sources/source-provider.js";

/** Credentials of roles that are only assumed through, shared between the roles behind them. */
export interface Hops {
  /** Waits for them; being a hop does not count as being fetched. */
  retrieveForHop(role: Role): Promise<HeldCredentials>;
  /** AWS said these are expired: forget just them. */
  forget(role: Role, stale: HeldCredentials): void;
}

export interface RoleProviderOptions {
  readonly sts: Sts;
  readonly sources: SourceProviders;
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
    const { origin } = role;
    return origin.kind === "role" ? this.#assumeFromRole(role, origin.role) : this.#fromSource(role, origin.source);
  }

  async #fromSource(role: Role, source: Source): Promise<HeldCredentials> {
    const provider: SourceProvider<Source> = this.#options.sources[source.type];
    if (!role.assume) return provider.session(source, role);
    const signer = await provider.signer(source, role);
    try {
      return await this.#assume(signer, role.assume, role);
    } catch (thrown) {
      const error = toBrokerError(thrown);
      throw error.signer === undefined ? error : provider.refused(error, source);
    }
  }

  /** A hop's credentials may have been revoked or the clock skewed: refused ones are fetched anew, once. */
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
}
