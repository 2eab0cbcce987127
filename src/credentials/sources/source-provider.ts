import type { HeldCredentials, SigningCredentials } from "../../core/credentials.js";
import type { BrokerError } from "../../core/errors.js";
import type { Role, Source } from "../../core/role.js";

/** What one kind of source can do for the roles on it. Rejections are what the client gets to read. */
export interface SourceProvider<S extends Source> {
  /** Signs the first AssumeRole of a chain. */
  signer(source: S, role: Role): Promise<SigningCredentials>;
  /** What a role without role_arn serves: temporary credentials of the source itself. */
  session(source: S, role: Role): Promise<HeldCredentials>;
  /** AWS refused what `signer` gave (`error.signer` is set): forgets it where that helps, and says how to mend it. */
  refused(error: BrokerError, source: S): BrokerError;
}

/** One provider for each kind of source. */
export type SourceProviders = { readonly [T in Source["type"]]: SourceProvider<Extract<Source, { readonly type: T }>> };
