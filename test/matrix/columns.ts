/** Homes of the columns `env: …` and `exec: …`, by their short names; homes.ts makes them. */
export const HOME_NAMES = [
  "empty",
  "default keys",
  "indented keys",
  "region",
  "sso",
  "older sso",
  "half sso",
  "aws login",
  "process",
  "role",
  "AWS_PROFILE",
  "variables",
] as const;
export type HomeName = (typeof HOME_NAMES)[number];

/** How a shell comes by the lease in the homes. */
export const WAYS = ["env", "exec"] as const;
export type Way = (typeof WAYS)[number];

/** Forms of `exec --as`, from the empty home. */
export const FORM_COLUMNS = ["as url", "as header", "as token-file", "as static"] as const;

export type SigningColumn = `${Way}: ${HomeName}` | (typeof FORM_COLUMNS)[number];

/** The homes as they are, with only the lease's variables put into the shell: what `env` and `exec` spare one, and doctor's hardest test. */
export type BareColumn = `bare: ${HomeName}`;

/** Columns of one process over time, and of a new one after `use`. */
export const LATER_COLUMNS = ["rotation", "use"] as const;
export type LaterColumn = (typeof LATER_COLUMNS)[number];

export type Column = SigningColumn | LaterColumn;

/** Does a pattern of a known failure name it? */
export function names(pattern: string, column: Column): boolean {
  const source = pattern.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`).replaceAll("*", ".*");
  return new RegExp(`^${source}$`).test(column);
}
