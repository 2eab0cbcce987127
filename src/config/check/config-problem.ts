import { maskSecrets } from "./show-value.js";

/** Keys and list positions from the top of the file to a field: `["roles", "prod", "policy_arns", 0]`. */
export type FieldPath = readonly (string | number)[];

/** One thing wrong with the config, not yet rendered. */
export interface ConfigProblem {
  readonly path: FieldPath;
  readonly message: string;
  /** Which part of the entry to point at: its key (default: its value). */
  readonly at?: "key" | "value";
  /** Where no path leads there: characters from the start of the text. */
  readonly offset?: number;
  /** Looked through for the nearest name, but only for problems that are shown: many unknown names stay cheap. */
  readonly suggest?: { readonly given: string; readonly names: readonly string[] };
}

/** `roles.prod.policy_arns[0]`; names with dots, spaces and the like are quoted. Empty for the whole file. */
export function renderPath(path: FieldPath): string {
  return path.map((segment, index) => renderSegment(segment, index === 0)).join("");
}

function renderSegment(segment: string | number, first: boolean): string {
  if (typeof segment === "number") return `[${segment}]`;
  const masked = maskSecrets(segment);
  const name = /^[\w/@+-]+$/.test(masked) ? masked : JSON.stringify(masked);
  return first ? name : `.${name}`;
}
