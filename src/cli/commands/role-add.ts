import { BrokerError } from "../../core/errors.js";
import { defineCommand, JSON_OPTION, type OptionSpecs } from "../command.js";
import { addEntry, fieldsOf } from "../config/config-entry.js";

const FIELDS = {
  source: { type: "string", value: "SOURCE", help: "the source that signs" },
  "source-role": { type: "string", value: "ROLE", help: "or the role whose credentials sign (a chain)" },
  "role-arn": { type: "string", value: "ARN", help: "the role to assume" },
  "sso-account-id": { type: "string", value: "ID", help: "on an sso source, in place of --role-arn: the account" },
  "sso-role-name": {
    type: "string",
    value: "NAME",
    help: "on an sso source, in place of --role-arn: the permission set",
  },
  region: { type: "string", value: "REGION", help: "what programs get as AWS_REGION" },
  "duration-seconds": { type: "string", value: "N", help: "900 to 43200; at most 3600 in a chain; default 3600" },
  "role-session-name": {
    type: "string",
    value: "TEXT",
    help: "may hold {user} {host} {role}; default credbroker-{user}",
  },
  "external-id": { type: "string", value: "TEXT", help: "what the trust policy asks for" },
  "source-identity": { type: "string", value: "TEXT", help: "stays in CloudTrail along the chain" },
  tags: { type: "string", repeat: true, value: "KEY=VALUE", help: "session tag" },
  "transitive-tag-keys": { type: "string", repeat: true, value: "KEY", help: "tag that goes along the chain" },
  policy: { type: "string", value: "JSON", help: "session policy, or file://PATH" },
  "policy-arns": { type: "string", repeat: true, value: "ARN", help: "managed policy that narrows the session" },
  guard: {
    type: "string",
    repeat: true,
    value: "KEY=VALUE",
    help: "confirm=terminal|desktop|passphrase, reason=true, max_lease=30m",
  },
} as const satisfies OptionSpecs;

export const roleAddCommand = defineCommand({
  name: "role add",
  summary: "Add a role to the config",
  details: "The flags are the config's keys (also in its spelling: --role_arn). Comments and order of the file stay.",
  positionals: [{ name: "NAME", required: true, help: "what you `use`" }],
  options: { ...FIELDS, json: JSON_OPTION },
  examples: [
    "brokerctl role add dev --source ops --role-arn arn:aws:iam::111111111111:role/dev --region eu-west-1",
    "brokerctl role add admin --source corp --sso-account-id 111111111111 --sso-role-name AdministratorAccess",
    "brokerctl role add prod --source-role dev --role-arn arn:aws:iam::222222222222:role/prod --tags team=core",
  ],
  async run({ options, positionals }, context) {
    const name = positionals[0] ?? "";
    if ((options.source === undefined) === (options["source-role"] === undefined)) {
      throw new BrokerError("UsageInvalid", "exactly one of --source and --source-role says who signs for the role", {
        hint: "--source SOURCE",
      });
    }
    refuseNoPairs("--tags", options.tags, "team=core");
    refuseNoPairs("--guard", options.guard, "confirm=terminal");
    const fields = await fieldsOf(options, FIELDS, context);
    const summary = await addEntry({ kind: "role", name, fields }, context);
    if (context.output.json) context.output.printJson({ role: name, summary });
    for (const line of summary) context.output.say(line);
    context.output.hint(`brokerctl use ${name}`);
  },
});

function refuseNoPairs(flag: string, values: readonly string[], example: string): void {
  const wrong = values.find((value) => !/^[^=]+=/.test(value));
  if (wrong === undefined) return;
  throw new BrokerError("UsageInvalid", `${flag} must be KEY=VALUE, not '${wrong}'`, { hint: `${flag} ${example}` });
}
