import { type AwsImport, planAwsImport } from "../../../src/config/import/aws-config-import.js";
import { HEAD, PLACE } from "../config-text.js";

export interface ImportedFiles {
  readonly config?: string;
  readonly credentials?: string;
  /** Our config before. */
  readonly text?: string;
}

/** An import of all profiles of these texts but `default`. */
export function plan({ config, credentials, text = HEAD }: ImportedFiles): AwsImport {
  return planAwsImport({
    ...PLACE,
    text,
    aws: {
      ...(config !== undefined && { config: { text: config, path: "~/.aws/config" } }),
      ...(credentials !== undefined && { credentials: { text: credentials, path: "~/.aws/credentials" } }),
    },
    withDefault: false,
    profiles: null,
    heldKeys: new Map(),
  });
}

/** What became of one profile, session or section. */
export function itemOf({ items }: AwsImport, what: string): { outcome: string; notes: string } {
  const item = items.find((each) => each.what === what);
  return { outcome: item?.outcome ?? "no such item", notes: item?.notes.join("; ") ?? "" };
}
