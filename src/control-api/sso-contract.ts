import type { EditPlan } from "./config-contract.js";

/** What lists of accounts and roles say over the wire: a part of the contract (see contract.ts). */

/** A permission set in an account, as the portal lists it. */
export interface SsoRoleFound {
  readonly accountId: string;
  readonly accountName: string;
  readonly roleName: string;
}

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
  /** Of every source, as far as it was listed before: nobody is asked. */
  "sso-known-roles": [
    Record<string, never>,
    { readonly roles: readonly (SsoRoleFound & { readonly source: string })[] },
  ];
  /** The config with roles for what was found, and without those of the source that are not in `existing`. */
  "sso-roles-plan": [
    {
      readonly text: string;
      readonly path: string;
      readonly source: string;
      /** Of the new roles' names: `{account_name} {account_id} {role_name}`. */
      readonly nameTemplate: string;
      readonly found: readonly SsoRoleFound[];
      /** All that the login can have; absent: nothing is removed. */
      readonly existing?: readonly Pick<SsoRoleFound, "accountId" | "roleName">[];
    },
    EditPlan & {
      readonly added: readonly string[];
      readonly removed: readonly string[];
      /** Why something was left as it is, one line each. */
      readonly notes: readonly string[];
    },
  ];
}
