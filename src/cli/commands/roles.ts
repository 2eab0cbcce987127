import type { LeftOutView, RoleView } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import { GLOB_OPTIONS, globText } from "../../core/glob.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import type { Output } from "../terminal/output.js";
import type { Screen } from "../terminal/screen.js";
import { table } from "../terminal/table.js";
import { leftOutJson, roleJson } from "../terminal/views.js";
import { when } from "../terminal/when.js";

export const rolesCommand = defineCommand({
  name: "roles",
  summary: "List the roles of the config and their state",
  details: `The default lease's role is marked with a star. FILTER is a part of the role's name, its account or source, or a pattern
for one of them as a whole: * ? [a-z] {a,b}.`,
  positionals: [{ name: "FILTER", help: "only those that it fits" }],
  options: { json: JSON_OPTION },
  examples: [
    "brokerctl roles",
    "brokerctl roles prod",
    "brokerctl roles '*/ReadOnly'",
    "brokerctl roles --json | jq -r '.roles[].name'",
  ],
  async run({ positionals: [filter] }, { client, output, clock }) {
    const status = await client.call("status", {});
    const { defaultRole } = status;
    const roles = filter === undefined ? status.roles : await fitting(filter, status.roles);
    if (output.json) {
      const left = leftOutJson(status.leftOut);
      output.printJson({ default_role: defaultRole, roles: roles.map(roleJson), left_out: left });
      return;
    }
    if (roles.length > 0) {
      output.print(roleTable(roles, { defaultRole, now: clock.now(), screen: output.screen }));
      warnOfRoleErrors(roles, output);
    } else if (status.roles.length > 0) {
      output.say(`no role fits '${filter ?? ""}', of ${status.roles.length}`);
    } else if (!status.leftOut) {
      output.say("the config has no roles yet");
      output.hint("brokerctl role add NAME --source SOURCE --role-arn ARN");
    }
    warnOfLeftOut(status.leftOut, output);
  },
});

async function fitting(filter: string, roles: readonly RoleView[]): Promise<readonly RoleView[]> {
  const matches = await matcherOf(filter.toLowerCase());
  return roles.filter(({ name, accountId, source }) =>
    [name, accountId ?? "", source].some((text) => matches(text.toLowerCase())),
  );
}

async function matcherOf(filter: string): Promise<(text: string) => boolean> {
  if (!/[*?[{]/.test(filter)) return (text) => text.includes(filter);
  const { default: picomatch } = await import("picomatch");
  try {
    // `bash`: a star takes the slashes of names too. Parentheses mean themselves.
    return picomatch(globText(filter), GLOB_OPTIONS);
  } catch {
    throw new BrokerError("UsageInvalid", `'${filter.slice(0, 40)}' is no pattern`, {
      hint: "brokerctl roles 'prod*'",
    });
  }
}

export function warnOfRoleErrors(roles: readonly RoleView[], output: Output): void {
  for (const { name, lastError } of roles) {
    if (lastError !== null) output.warn(`${name}: ${lastError.message}`, lastError.hint);
  }
}

/** Lines and names that a user reads; all of it: `config check`, `--json`. */
const SHOWN = 10;

/** Each entry that has a problem, and with it what is out of force with it. */
export function warnOfLeftOut(leftOut: readonly LeftOutView[] = [], output: Output): void {
  const own = leftOut.filter(({ because }) => because === null);
  for (const { kind, name, error } of own.slice(0, SHOWN)) {
    const label = kind === "setting" ? name : `${kind} ${name}`;
    const built = leftOut.filter(({ because }) => because === label).map((entry) => entry.name);
    output.warn(`${error.message}${built.length === 0 ? "" : `; nor what builds on it: ${listed(built)}`}`);
  }
  if (own.length > SHOWN) output.warn(`${own.length - SHOWN} more entries of the config are not in force`);
  if (own.length > 0) output.hint("brokerctl config edit");
}

function listed(names: readonly string[]): string {
  const more = names.length > SHOWN ? ` and ${names.length - SHOWN} more` : "";
  return `${names.slice(0, SHOWN).join(", ")}${more}`;
}

export interface RoleTable {
  readonly defaultRole: string | null;
  readonly now: number;
  readonly screen: Screen;
}

/** Also part of `status`. */
export function roleTable(roles: readonly RoleView[], { defaultRole, now, screen }: RoleTable): string {
  return table(
    ["", "role", "account", "source", "guard", "state", "credentials end"],
    roles.map((role) => [
      role.name === defaultRole ? "*" : " ",
      role.name,
      role.accountId ?? "-",
      role.source,
      role.guard === null ? "-" : (role.guard.confirm ?? "reason or time"),
      role.state,
      when(role.expiration, now),
    ]),
    screen,
  );
}
