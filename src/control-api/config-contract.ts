/** What edits and checks of the config say over the wire: a part of the contract (see contract.ts). */

/** A text file as the CLI read it and the text that should stand there instead (null: nothing to change). */
export interface EditPlan {
  readonly text: string | null;
  /** What changes, one line each, for people. */
  readonly summary: readonly string[];
}

/** A field of a source or role as the flags gave it: name in the config's spelling, value as typed. */
export type FieldValues = Readonly<Record<string, string | readonly string[]>>;

export interface ConfigOperations {
  /** Parses and checks without applying; rejects with ConfigInvalid (all problems, one a line). */
  "config-check": [
    { readonly text: string; readonly path: string },
    {
      readonly roles: number;
      readonly sources: number;
      readonly endpointPort: number;
      /** What in it runs programs of the user's, for people: `source legacy`, `data_key_command`. */
      readonly programs: readonly string[];
    },
  ];
  /** Loads the file from disk again; an invalid one keeps the running config and rejects with ConfigInvalid. */
  "config-reload": [
    Record<string, never>,
    { readonly roles: number; readonly sources: number; readonly notes: readonly string[] },
  ];
  "config-schema": [Record<string, never>, { readonly schema: Readonly<Record<string, unknown>> }];
  "source-add": [
    { readonly text: string; readonly path: string; readonly name: string; readonly fields: FieldValues },
    EditPlan,
  ];
  "role-add": [
    { readonly text: string; readonly path: string; readonly name: string; readonly fields: FieldValues },
    EditPlan,
  ];
}
