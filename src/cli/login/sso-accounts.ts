import type { SsoRoleFound } from "../../control-api/sso-contract.js";
import type { CliContext } from "../context.js";
import { globMatcher } from "./glob.js";

/** The daemon keeps the portal's pace: enough under way that it never waits for us. */
const AT_ONCE = 8;

/** Every role that the login of a source can have, by account name; progress is shown where a person watches. */
export async function listSsoRoles(context: CliContext, source: string): Promise<readonly SsoRoleFound[]> {
  const { accounts } = await context.client.call("sso-accounts", { source });
  const found: SsoRoleFound[][] = [];
  const waiting = [...accounts.entries()];
  let done = 0;
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, account] = next;
      const { accountId, accountName } = account;
      const { roles } = await context.client.call("sso-account-roles", { source, accountId });
      found[index] = roles.map((roleName) => ({ accountId, accountName, roleName }));
      showProgress(++done, accounts.length, context);
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    clearProgress(context);
  }
  return found.flat().toSorted((a, b) => compare(a.accountName, b.accountName) || compare(a.roleName, b.roleName));
}

/** Of patterns with a slash: account (name or id) and role; without one: any of the three. No pattern: all. */
export function matching(found: readonly SsoRoleFound[], patterns: readonly string[]): readonly SsoRoleFound[] {
  if (patterns.length === 0) return found;
  const matchers = patterns.map((pattern) => {
    const matches = globMatcher(pattern);
    const textsOf = pattern.includes("/") ? pairsOf : partsOf;
    return (each: SsoRoleFound) => textsOf(each).some(matches);
  });
  return found.filter((each) => matchers.some((matches) => matches(each)));
}

function pairsOf({ accountId, accountName, roleName }: SsoRoleFound): readonly string[] {
  return [`${accountName}/${roleName}`, `${accountId}/${roleName}`];
}

function partsOf({ accountId, accountName, roleName }: SsoRoleFound): readonly string[] {
  return [accountName, accountId, roleName];
}

const BAR = 24;

function showProgress(done: number, of: number, { stderr, output }: CliContext): void {
  if (stderr.isTTY !== true || output.json) return;
  const filled = Math.round((done / of) * BAR);
  stderr.write(`\r[${"#".repeat(filled)}${" ".repeat(BAR - filled)}] ${done}/${of} accounts`);
}

/** Back to the start of the line, and nothing on it. */
function clearProgress({ stderr, output }: CliContext): void {
  if (stderr.isTTY === true && !output.json) stderr.write("\r\u001b[K");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
