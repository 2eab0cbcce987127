import type { EditPlan, EntryName, EntryRename, EntryShown, FieldValues } from "../core/config-edit.js";

/** What edits and checks of the config send over the wire: a part of the contract (see contract.ts). */

/** A role as the config names it; the account as far as it is known without a fetch. */
export interface NamedRole {
  readonly role: string;
  readonly accountId: string | null;
}

export interface ProjectView {
  readonly name: string;
  /** Absolute, or below `~/`; links are not followed. */
  readonly path: string;
  /** Of `exec` there, where neither a role is named nor one chosen. */
  readonly role: NamedRole | null;
  readonly stages: readonly (NamedRole & { readonly stage: string })[];
}

export interface ConfigOperations {
  /** Parses and checks without applying; rejects with ConfigInvalid (all problems, one a line). */
  "config-check": [
    { readonly text: string; readonly path: string },
    {
      readonly roles: number;
      readonly sources: number;
      readonly endpointPort: number;
      /** What in it runs the user's programs, in words: `source legacy`, `data_key_command`. */
      readonly programs: readonly string[];
      /** What is no mistake of the file, and may be none that was meant: a sentence each. */
      readonly notes: readonly string[];
    },
  ];
  /** Loads the file from disk again; an invalid one keeps the running config and rejects with ConfigInvalid. */
  "config-reload": [
    Record<string, never>,
    { readonly roles: number; readonly sources: number; readonly notes: readonly string[] },
  ];
  "config-schema": [Record<string, never>, { readonly schema: Readonly<Record<string, unknown>> }];
  /** `problems`: why projects of the file are not in force. */
  projects: [
    Record<string, never>,
    { readonly projects: readonly ProjectView[]; readonly problems: readonly string[] },
  ];
  "source-add": [
    { readonly text: string; readonly path: string; readonly name: string; readonly fields: FieldValues },
    EditPlan,
  ];
  "role-add": [
    { readonly text: string; readonly path: string; readonly name: string; readonly fields: FieldValues },
    EditPlan,
  ];
  /** An entry as the text has it, and what is named by it there. */
  "entry-show": [{ readonly text: string; readonly path: string } & EntryName, EntryShown];
  /** Plans another name for it, in all of the text; `entry-renamed` carries over what is not in the file, once it is written. */
  "entry-rename": [{ readonly text: string; readonly path: string } & EntryRename, EditPlan];
  /** Loads the file; before that, leases follow, and the source's key. May be repeated. */
  "entry-renamed": [EntryRename, { readonly leases: number; readonly notes: readonly string[] }];
  /** Refuses what the text, a lease or a secret still needs, and names it. */
  "entry-remove": [{ readonly text: string; readonly path: string } & EntryName, EditPlan];
}
