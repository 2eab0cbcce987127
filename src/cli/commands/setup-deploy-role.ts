import type { ControlResponse } from "../../control-api/contract.js";
import { shellQuote } from "../../core/shell-quote.js";
import { defineCommand, JSON_OPTION, type OptionSpecs } from "../command.js";
import { addEntry, checkName } from "../config/config-entry.js";
import type { CliContext } from "../context.js";
import { confirmRole, REASON_OPTION } from "../guard/confirm-role.js";
import { VIA_OPTION } from "../lambda/lambda-options.js";
import { withLogin } from "../login/login.js";
import { confirmOrRefuse } from "../terminal/prompts.js";

const OPTIONS = {
  via: {
    ...VIA_OPTION,
    help: "the role that may assume it, and makes it with --apply; default lambda.via of the config, else the current role",
  },
  "policy-arn": {
    type: "string",
    repeat: true,
    value: "ARN",
    help: "a managed policy: what it may do; default PowerUserAccess",
  },
  "manage-roles": {
    type: "string",
    repeat: true,
    value: "NAMES",
    help: "roles that it may make for functions, e.g. 'orders-*'; default none",
  },
  apply: { type: "boolean", help: "make it now, by IAM with the credentials of --via, and add it to the config" },
  yes: { type: "boolean", help: "do not ask" },
  reason: REASON_OPTION,
  json: JSON_OPTION,
} as const satisfies OptionSpecs;

export const setupDeployRoleCommand = defineCommand({
  name: "setup deploy-role",
  summary:
    "Print a CloudFormation template of a role for deploying that only you may assume, and the two commands that make it",
  details: `stdout holds the template, stderr explains it. The role lets in who --via is, and only with the external id, which is the
same each time. Nothing is changed without --apply. PowerUserAccess is everything but users, groups and roles: --manage-roles adds roles by
their names, and who deploys can then give these any permission.`,
  positionals: [{ name: "NAME", required: true, help: "of the role, in AWS and in the config" }],
  options: OPTIONS,
  examples: [
    "brokerctl setup deploy-role deploy --via dev > deploy-role.yaml",
    "brokerctl setup deploy-role deploy --via dev --manage-roles 'orders-*'",
    "brokerctl setup deploy-role deploy --via admin --apply",
  ],
  async run({ options, positionals: [name = ""] }, context) {
    const { via = null, apply, yes, json, reason } = options;
    checkName(name);
    const wish = { via, roleName: name, policyArns: options["policy-arn"], managedRoles: options["manage-roles"] };
    const approval = await confirmRole({ role: via, target: { by: "new" }, reason }, context);
    const ask = (action: "show" | "apply"): Promise<Planned> =>
      withLogin(context, via ?? undefined, () => context.client.call("deploy-role", { ...wish, ...approval, action }));
    const planned = await ask("show");
    if (!apply) {
      if (json) context.output.printJson(viewOf(planned));
      else context.output.print(planned.template);
      explain(planned, context);
      tellCommands(planned, name, context);
      return;
    }
    explain(planned, context);
    await confirmOrRefuse(`Make ${planned.roleArn}?`, yes, context);
    const made = await ask("apply");
    if (json) context.output.printJson(viewOf(made));
    context.output.say(
      made.outcome === "made" ? `made ${made.roleArn}` : `${made.roleArn} was there already, and is as wanted`,
    );
    await addToConfig(made, name, context);
  },
});

type Planned = ControlResponse<"deploy-role">;

function viewOf({ roleArn, principal, letsIn, externalId, policyArns, template, outcome, notes }: Planned): unknown {
  const fields = {
    ...{ role_arn: roleArn, principal, lets_in: letsIn, external_id: externalId, policy_arns: policyArns },
  };
  return { ...fields, template, outcome, notes };
}

function explain({ roleArn, letsIn, externalId, policyArns, notes }: Planned, { output }: CliContext): void {
  output.say(`${roleArn}
  lets in   ${letsIn.join(" or ")}, with the external id ${externalId}
  may do    ${policyArns.join(", ")}`);
  for (const note of notes) output.say(`  note      ${note}`);
}

function tellCommands(planned: Planned, name: string, { output }: CliContext): void {
  output.say(`Who may make roles runs the first of these, with the template in deploy-role.yaml; you run the second:
  aws cloudformation deploy --stack-name ${name}-role --template-file deploy-role.yaml --capabilities CAPABILITY_NAMED_IAM
  ${roleAddsOf(planned, name).join("\n  ")}`);
}

/** The command lines that put the role into the config. */
function roleAddsOf({ signer, roleArn, externalId }: Planned, name: string): readonly string[] {
  const named = "unnamed" in signer ? [entryOf(signer.unnamed)] : [];
  const by =
    "source" in signer
      ? `--source ${signer.source}`
      : `--source-role ${"unnamed" in signer ? signer.unnamed.roleName : signer.sourceRole}`;
  const add = `brokerctl role add ${shellQuote(name)} ${by} --role-arn ${shellQuote(roleArn)} --external-id ${externalId}`;
  return [...named, add];
}

/** A role without an entry signs for no other: it gets one. */
function entryOf({ source, accountId, roleName }: { source: string; accountId: string; roleName: string }): string {
  return `brokerctl role add ${roleName} --source ${source} --sso-account-id ${accountId} --sso-role-name ${roleName}`;
}

async function addToConfig(made: Planned, name: string, context: CliContext): Promise<void> {
  const { signer, roleArn, externalId } = made;
  const { roles } = await context.client.call("status", {});
  if (roles.some((role) => role.name === name)) return;
  if ("unnamed" in signer) {
    for (const line of roleAddsOf(made, name)) context.output.hint(line);
    return;
  }
  const by: Record<string, string> =
    "source" in signer ? { source: signer.source } : { source_role: signer.sourceRole };
  const fields = { ...by, role_arn: roleArn, external_id: externalId };
  for (const line of await addEntry({ kind: "role", name, fields }, context)) context.output.say(line);
  context.output.hint(
    `brokerctl use ${name}, in some seconds: IAM takes a moment until it knows a new role everywhere`,
  );
}
