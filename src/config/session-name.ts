/** Longest RoleSessionName that STS takes; the shortest is 2. */
const MAX_LENGTH = 64;
const MIN_LENGTH = 2;
/** CloudTrail shows it: colleagues with the same role are told apart there. */
const DEFAULT_TEMPLATE = "credbroker-{user}";

export interface SessionNameValues {
  readonly user: string;
  readonly host: string;
  readonly role: string;
}

/** A RoleSessionName, or what is wrong with its template. */
export type SessionName = { readonly name: string } | { readonly problem: string };

/** Fills in `{user} {host} {role}`, then makes of it what STS takes: `[\w+=,.@-]{2,64}`. */
export function renderSessionName(template = DEFAULT_TEMPLATE, values: SessionNameValues): SessionName {
  const filled = template.replaceAll(/\{(user|host|role)\}/g, (_, name: keyof SessionNameValues) => values[name]);
  const left = /[{}]\w*\}?/.exec(template.replaceAll(/\{(?:user|host|role)\}/g, ""))?.[0];
  if (left !== undefined) return { problem: `may have only {user}, {host} and {role} in braces, not ${left}` };

  const name = filled.replaceAll(/[^\w+=,.@-]/g, "-").slice(0, MAX_LENGTH);
  if (name.length >= MIN_LENGTH) return { name };
  return { problem: `must be at least ${MIN_LENGTH} characters; it comes out as ${JSON.stringify(name)}` };
}
