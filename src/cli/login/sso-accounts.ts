import type { SsoRoleFound } from "../../core/config-edit.js";
import { BrokerError } from "../../core/errors.js";
import { GLOB_OPTIONS, globText } from "../../core/glob.js";
import { ConcurrencyLimit } from "../../core/serial.js";
import type { CliContext } from "../context.js";

/** The daemon keeps the portal's pace: enough under way that it never waits for us. */
const AT_ONCE = 8;

/**
 * Every role that the login of a source can have, by account name; progress is shown where a user watches. `age`: of
 * what the daemon was told before, in place of the portal's word.
 */
export async function listSsoRoles(
  context: CliContext,
  source: string,
  age: { readonly maxAgeSeconds?: number } = {},
): Promise<readonly SsoRoleFound[]> {
  const { accounts } = await context.client.call("sso-accounts", { source, ...age });
  const limit = new ConcurrencyLimit(AT_ONCE);
  let done = 0;
  const rolesOf = async ({ accountId, accountName }: (typeof accounts)[number]): Promise<SsoRoleFound[]> => {
    const { roles } = await context.client.call("sso-account-roles", { source, accountId, ...age });
    showProgress(++done, accounts.length, context);
    return roles.map((roleName) => ({ accountId, accountName, roleName }));
  };
  try {
    const found = await Promise.all(accounts.map((account) => limit.run(() => rolesOf(account))));
    return found.flat().toSorted((a, b) => compare(a.accountName, b.accountName) || compare(a.roleName, b.roleName));
  } finally {
    clearProgress(context);
  }
}

/** Whether `--match` leaves a role. */
export type RoleFilter = (each: SsoRoleFound) => boolean;

/**
 * Leaves what at least one pattern fits; without a pattern, all. With a slash it is compared with ACCOUNT/ROLE (the account
 * by name or id), without one with each of the three. A word without wildcards and without a slash may be any part of a
 * name. Rejects with UsageInvalid, naming a pattern that says nothing.
 */
export async function roleFilter(patterns: readonly string[]): Promise<RoleFilter> {
  const filters = await Promise.all(patterns.map(filterOf));
  return (each) => filters.length === 0 || filters.some((leaves) => leaves(each));
}

const WILDCARD = /[*?[{]/;

async function filterOf(pattern: string): Promise<RoleFilter> {
  const textsOf = pattern.includes("/") ? wholesOf : partsOf;
  const matches = await textMatcher(pattern);
  return (each) => textsOf(each).some((text) => matches(text.toLowerCase()));
}

/** Names are compared without regard to case, as people type them. */
async function textMatcher(pattern: string): Promise<(text: string) => boolean> {
  const wanted = pattern.toLowerCase();
  if (wanted.trim() === "") throw unusable(pattern);
  if (!WILDCARD.test(wanted)) return wanted.includes("/") ? (text) => text === wanted : (text) => text.includes(wanted);
  // Loaded where it is needed only: no other command pays for it.
  const { default: picomatch } = await import("picomatch");
  try {
    // Parentheses and backslashes stand in accounts' names. `bash`: a star takes slashes too, which stand there as well.
    return picomatch(globText(wanted), GLOB_OPTIONS);
  } catch {
    throw unusable(pattern);
  }
}

function unusable(pattern: string): BrokerError {
  const shown = pattern.length > 40 ? `${pattern.slice(0, 40)}…` : pattern;
  return new BrokerError("UsageInvalid", `--match '${shown}' is no pattern for names of accounts and roles`, {
    hint: "brokerctl sso roles SOURCE --match 'Sandbox*/ReadOnly*'",
  });
}

/** An account's name may hold a slash itself. */
function wholesOf({ accountId, accountName, roleName }: SsoRoleFound): readonly string[] {
  return [`${accountName}/${roleName}`, `${accountId}/${roleName}`, accountName];
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
