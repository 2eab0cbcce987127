import type { Credentials } from "../core/credentials.js";
import type { Secret } from "../core/secret.js";

export interface SsoAccount {
  readonly accountId: string;
  readonly accountName: string;
  readonly emailAddress?: string;
}

export interface SsoAccountRole {
  readonly accountId: string;
  readonly roleName: string;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken?: string;
}

/**
 * Identity Center's portal. A token that is not accepted rejects with LoginRequired, a role that is not assigned with
 * AssumeRoleDenied, 429 and trouble with AwsUnreachable (`retryAfterMs` where told).
 */
export interface SsoPortal {
  getRoleCredentials(
    accessToken: Secret,
    role: { readonly accountId: string; readonly roleName: string },
    region: string,
  ): Promise<Credentials>;
  /**
   * With the login that the AWS CLI keeps under `cacheKey` (a session's name, or a start URL to the letter). The file is read
   * by the AWS SDK's own provider in the form that never writes it; a file that it cannot use, or whose login has ended,
   * rejects with LoginRequired too.
   */
  getRoleCredentialsOfCli(
    cacheKey: string,
    role: { readonly accountId: string; readonly roleName: string },
    region: string,
  ): Promise<Credentials>;
  listAccounts(accessToken: Secret, page: { readonly nextToken?: string }, region: string): Promise<Page<SsoAccount>>;
  listAccountRoles(
    accessToken: Secret,
    page: { readonly accountId: string; readonly nextToken?: string },
    region: string,
  ): Promise<Page<SsoAccountRole>>;
  /** Ends the sign-in session; role credentials already issued live on until they expire. */
  logout(accessToken: Secret, region: string): Promise<void>;
}
