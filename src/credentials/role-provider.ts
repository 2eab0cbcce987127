import type { Sts } from "../aws/sts.js";
import type { HeldCredentials } from "../core/credentials.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import type { Role, Source } from "../core/role.js";
import type { Clock } from "../system/clock.js";
import type { AssumeRole, SourceProvider, SourceProviders } from "./sources/source-provider.js";

/** Credentials of roles that are only assumed through, shared between the roles behind them. */
export interface Hops {
  /** Waits for them; being a hop does not count as being fetched. `fresh`: what lives no longer than they do is made of them. */
  retrieveForHop(role: Role, options?: { readonly fresh?: boolean }): Promise<HeldCredentials>;
  /** AWS said these are expired: forget just them. */
  forget(role: Role, stale: HeldCredentials): void;
}

/** GetScopedCredentials on what the role before has, for a role that has `scoped`. */
export type NarrowCredentials = (before: HeldCredentials, role: Role) => Promise<HeldCredentials>;

export interface RoleProviderOptions {
  readonly assumeRole: AssumeRole;
  readonly narrow: NarrowCredentials;
  readonly sources: SourceProviders;
}

/** Yields new credentials for a role from upstream: its source, then one hop after the other. */
export class RoleProvider {
  readonly #options: RoleProviderOptions;

  constructor(options: RoleProviderOptions) {
    this.#options = options;
  }

  /** It takes as long as it takes. `hops` holds the credentials of the role before this one in the chain. */
  async retrieve(role: Role, hops: Hops): Promise<HeldCredentials> {
    const { origin } = role;
    if (origin.kind === "role") return this.#fromRole(role, origin.role, hops);
    const provider: SourceProvider<Source> = this.#options.sources[origin.source.type];
    return provider.retrieve(origin.source, role);
  }

  /** A hop's credentials may have been revoked or the clock skewed: refused ones are fetched anew, once. */
  async #fromRole(role: Role, via: Role, hops: Hops): Promise<HeldCredentials> {
    const { assumeRole, narrow } = this.#options;
    const fresh = role.scoped !== undefined;
    const next = (hop: HeldCredentials): Promise<HeldCredentials> =>
      role.scoped ? narrow(hop, role) : assumeRole(hop.credentials, role);
    const hop = await hops.retrieveForHop(via, { fresh });
    try {
      return await next(hop);
    } catch (error) {
      if (toBrokerError(error).signer === undefined) throw error;
      hops.forget(via, hop);
      return next(await hops.retrieveForHop(via, { fresh }));
    }
  }
}

/** One hop: AssumeRole as the role's definition says. */
export function createAssumeRole({ sts, clock }: { readonly sts: Sts; readonly clock: Clock }): AssumeRole {
  return async (signer, { name, assume, stsRegion }) => {
    if (!assume) throw new BrokerError("ConfigInvalid", `role ${name} has no role_arn to assume`);
    const { credentials } = await sts.assumeRole(signer, assume, stsRegion);
    return { credentials, receivedAt: clock.now(), roleArn: assume.roleArn };
  };
}

/** One call of GetScopedCredentials as the role's definition says. What it makes ends with what it is made of. */
export function createNarrow({ sts, clock }: { readonly sts: Sts; readonly clock: Clock }): NarrowCredentials {
  return async ({ credentials: before, roleArn }, { name, scoped, stsRegion }) => {
    if (!scoped) throw new BrokerError("InternalError", `role ${name} has nothing to be narrowed by`);
    const { accountId } = before;
    const credentials = await sts.getScopedCredentials(before, scoped, stsRegion);
    return {
      credentials: { ...credentials, ...(accountId !== undefined && { accountId }) },
      receivedAt: clock.now(),
      ...(roleArn !== undefined && { roleArn }),
    };
  };
}
