import type { ControlResponse } from "../../control-api/contract.js";
import type { SsoRoleFound } from "../../core/config-edit.js";
import { BrokerError } from "../../core/errors.js";
import { ssoRoleId } from "../../core/role.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import { applyEdit, readConfig } from "../config/config-file.js";
import type { CliContext } from "../context.js";
import { withLoginTo } from "../login/login.js";
import { listSsoRoles, roleFilter } from "../login/sso-accounts.js";
import { confirmOrRefuse } from "../terminal/prompts.js";
import { table } from "../terminal/table.js";

const DEFAULT_NAME = "{account_name}/{role_name}";

export const ssoRolesCommand = defineCommand({
  name: "sso roles",
  summary: "List the accounts and roles that a login can have; with --add, write them into the config",
  details: `Each of them works without the config too, wherever a ROLE does: SOURCE:ACCOUNT/ROLE, the account by its id or by a
name that only one has. --add takes those that the config does
not have yet, shows what it will write, and asks. --prune takes out those of SOURCE that no longer exist, unless they have
settings of their own or another role is chained from them. --match takes * ? [a-z] {a,b}, whatever the case; a word without
any of these and without a slash is looked for in the names of accounts and roles and in account ids.`,
  positionals: [{ name: "SOURCE", required: true, help: "a source of type sso" }],
  options: {
    add: { type: "boolean", help: "write them into the config" },
    name: {
      type: "string",
      value: "TEMPLATE",
      help: `names for --add, of {account_name} {account_id} {role_name}; default '${DEFAULT_NAME}'`,
    },
    match: {
      type: "string",
      repeat: true,
      value: "GLOB",
      help: "only ACCOUNT/ROLE like this; without a slash, any of its parts",
    },
    prune: { type: "boolean", help: "with --add: take out those that no longer exist" },
    yes: { type: "boolean", help: "do not ask" },
    json: JSON_OPTION,
  },
  examples: [
    "brokerctl sso roles corp",
    "brokerctl use corp:111111111111/ReadOnlyAccess",
    "brokerctl sso roles corp --match prod",
    "brokerctl sso roles corp --add --match '*/ReadOnly*' --match 'Sandbox*/*'",
    "brokerctl sso roles corp --add --name '{account_id}/{role_name}' --prune --yes",
  ],
  async run({ options, positionals }, context) {
    const source = positionals[0] ?? "";
    const unneeded = (["name", "prune", "yes"] as const).find((flag) => options[flag]);
    if (!options.add && unneeded !== undefined) {
      throw new BrokerError("UsageInvalid", `--${unneeded} goes with --add`, { hint: "brokerctl sso roles --help" });
    }
    const isWanted = await roleFilter(options.match);
    const all = await withLoginTo(context, source, () => listSsoRoles(context, source));
    const found = all.filter(isWanted);
    if (options.add) await addRoles({ source, all, found, options }, context);
    else show(source, found, context);
  },
});

interface Addition {
  readonly source: string;
  readonly all: readonly SsoRoleFound[];
  readonly found: readonly SsoRoleFound[];
  readonly options: { readonly name: string | undefined; readonly prune: boolean; readonly yes: boolean };
}

/** Shows what will be written, asks, and writes it. */
async function addRoles({ source, all, found, options }: Addition, context: CliContext): Promise<void> {
  const { output } = context;
  const config = await readConfig(context);
  const nameTemplate = options.name ?? DEFAULT_NAME;
  const existing = options.prune ? all.map(({ accountId, roleName }) => ({ accountId, roleName })) : undefined;
  const plan = await context.client.call("sso-roles-plan", {
    ...{ ...config, source, nameTemplate, found },
    ...(existing && { existing }),
  });
  tell(plan, context);
  if (plan.text !== null) {
    await confirmOrRefuse(`Write this into ${config.path}?`, options.yes, context);
    await applyEdit(config, plan, context);
    output.say(`${config.path}: ${plan.added.length} roles added, ${plan.removed.length} removed`);
  }
  if (output.json) output.printJson({ added: plan.added, removed: plan.removed, notes: plan.notes });
}

function show(source: string, found: readonly SsoRoleFound[], { output }: CliContext): void {
  if (output.json) {
    const rows = found.map(({ accountId, accountName, roleName }) => ({
      account_id: accountId,
      account_name: accountName,
      role_name: roleName,
      role: ssoRoleId(source, { accountId, roleName }),
    }));
    output.printJson(rows);
    return;
  }
  if (found.length === 0) {
    output.say("no role fits, or the login has none");
    return;
  }
  const rows = found.map(({ accountId, accountName, roleName }) => [
    accountName,
    roleName,
    ssoRoleId(source, { accountId, roleName }),
  ]);
  output.print(table(["account", "permission set", "role"], rows, output.screen));
  output.hint(`brokerctl sso roles ${source} --add writes them into the config`);
}

function tell({ text, summary, notes }: ControlResponse<"sso-roles-plan">, { output }: CliContext): void {
  for (const line of [...summary, ...notes]) output.say(line);
  if (text === null) output.say("nothing to change");
}
