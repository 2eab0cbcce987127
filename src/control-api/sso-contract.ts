import type { SsoRoleFound, SsoRolesPlan, SsoRolesRequest } from "../core/config-edit.js";

/** What lists of accounts and roles send over the wire: a part of the contract (see contract.ts). */

export interface SsoOperations {
  /**
   * What a login can have; each call waits as long as the portal makes it. `maxAgeSeconds`: what was listed before may be so
   * old; absent: the portal is asked.
   */
  "sso-accounts": [
    { readonly source: string; readonly maxAgeSeconds?: number },
    { readonly accounts: readonly { readonly accountId: string; readonly accountName: string }[] },
  ];
  "sso-account-roles": [
    { readonly source: string; readonly accountId: string; readonly maxAgeSeconds?: number },
    { readonly roles: readonly string[] },
  ];
  /** Of every source, as far as it was listed before: no request is made. */
  "sso-known-roles": [
    Record<string, never>,
    { readonly roles: readonly (SsoRoleFound & { readonly source: string })[] },
  ];
  /** The config with roles for what was found, and without those of the source that are not in `existing`. */
  "sso-roles-plan": [{ readonly text: string; readonly path: string } & SsoRolesRequest, SsoRolesPlan];
}
