import type { EditPlan, FieldValues } from "../core/config-edit.js";

/** What edits and checks of the config send over the wire: a part of the contract (see contract.ts). */

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
