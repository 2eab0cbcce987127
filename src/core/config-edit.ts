/** Shapes of edits of the config that config, the contract of control and the command share. */

/** A field of a source or role as flags gave it: name in the config's spelling, value as typed. */
export type FieldValues = Readonly<Record<string, string | readonly string[]>>;

/** A role or a source of the config. */
export type EntryKind = "source" | "role";

export interface EntryName {
  readonly kind: EntryKind;
  readonly name: string;
}

/** An entry that is to have another name. */
export interface EntryRename extends EntryName {
  readonly to: string;
}

/** An entry as it stands in the file. */
export interface EntryShown extends EntryName {
  /** Of the file, from 1. */
  readonly line: number;
  /** As it is written there, from its name on. */
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Where else in the file it is named: `roles.prod.source_role`. */
  readonly usedBy: readonly string[];
}

/** The text that should stand in the file in place of what was read (null: nothing to change). */
export interface EditPlan {
  readonly text: string | null;
  /** What changes, one line each, in words. */
  readonly summary: readonly string[];
  /** What is odd about it, a sentence each. */
  readonly notes?: readonly string[];
}

/** A permission set in an account, as the portal lists it. */
export interface SsoRoleFound {
  readonly accountId: string;
  readonly accountName: string;
  readonly roleName: string;
}

/** Roles of Identity Center to add to the config and to remove from it. */
export interface SsoRolesRequest {
  /** Of type `sso`. */
  readonly source: string;
  /** Of the new roles' names: `{account_name} {account_id} {role_name}`. */
  readonly nameTemplate: string;
  readonly found: readonly SsoRoleFound[];
  /** All that the login can have; absent: nothing is removed. */
  readonly existing?: readonly Pick<SsoRoleFound, "accountId" | "roleName">[];
}

/** The config with roles for what was found, and without those of the source that are not in `existing`. */
export interface SsoRolesPlan extends EditPlan {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** Why something was left as it is, one line each. */
  readonly notes: readonly string[];
}
