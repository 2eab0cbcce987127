import type { HeldCredentials, SigningCredentials } from "../../core/credentials.js";
import type { BrokerErrorCode } from "../../core/errors.js";
import type { Role, Source } from "../../core/role.js";

/** Both epoch ms. */
export interface SessionEnd {
  readonly at: number;
  /** When the session began, as far as that is known. */
  readonly since?: number;
}

/** What a source can do now. `needs` is the code a fetch would fail with; undefined: it can sign. */
export interface SourceReadiness {
  readonly needs: BrokerErrorCode | undefined;
  /** Epoch ms at which its login or session ends, as far as it has one. */
  readonly expiresAt: number | undefined;
  /** When a person has to log in again; absent: never, or not known ahead. */
  readonly end?: SessionEnd | undefined;
}

/** One kind of source: yields the credentials of the roles directly on it. Rejections are what the client gets to read. */
export interface SourceProvider<S extends Source> {
  /** New credentials for a role whose origin is `source`; it takes as long as it takes. */
  retrieve(source: S, role: Role): Promise<HeldCredentials>;
  /** For status, without calling AWS. Rejects with StoreLocked where the store must be open to tell. */
  readiness(source: S): Promise<SourceReadiness>;
}

/** One provider for each kind of source. */
export type SourceProviders = { readonly [T in Source["type"]]: SourceProvider<Extract<Source, { readonly type: T }>> };

/** AssumeRole with what a source signs, for a role that has `assume`. */
export type AssumeRole = (signer: SigningCredentials, role: Role) => Promise<HeldCredentials>;
