import { BrokerError } from "../../core/errors.js";
import { nearestName } from "../../core/nearest-name.js";
import { defineCommand, JSON_OPTION, type OptionSpecs } from "../command.js";
import { addEntry, fieldsOf } from "../config/config-entry.js";

const TYPES: readonly string[] = [
  "keys",
  "sso",
  "console_login",
  "web_identity",
  "process",
  "aws_sso_cache",
  "profile",
  "instance_metadata",
  "container",
];

const FIELDS = {
  type: { type: "string", value: "TYPE", help: `what kind of source: ${TYPES.join(", ")}` },
  "mfa-serial": { type: "string", value: "ARN", help: "keys: MFA device; one login serves all roles of the source" },
  "mfa-process": { type: "string", value: "COMMAND", help: "keys: prints the MFA code, so that sessions renew alone" },
  "session-duration-seconds": { type: "string", value: "N", help: "keys: of the session after a login, 900 to 129600" },
  "sso-start-url": { type: "string", value: "URL", help: "sso, aws_sso_cache: https://….awsapps.com/start" },
  "sso-region": { type: "string", value: "REGION", help: "sso, aws_sso_cache: where Identity Center is" },
  "sso-registration-scopes": { type: "string", repeat: true, value: "SCOPE", help: "sso: default sso:account:access" },
  "sso-session": { type: "string", value: "NAME", help: "aws_sso_cache: the [sso-session] of `aws sso login`" },
  "login-session": { type: "string", value: "ARN", help: "console_login: who logs in; another one is refused" },
  "web-identity-token-file": { type: "string", value: "PATH", help: "web_identity: the token's file" },
  "credential-process": { type: "string", value: "COMMAND", help: "process: prints credentials; no shell runs" },
  profile: { type: "string", value: "NAME", help: "profile: a profile of ~/.aws/config" },
  region: { type: "string", value: "REGION", help: "whose STS endpoint signs" },
} as const satisfies OptionSpecs;

export const sourceAddCommand = defineCommand({
  name: "source add",
  summary: "Add a source to the config: what signs the first hop of roles",
  details: "The flags are the config's keys (also in its spelling: --mfa_serial). Comments and order of the file stay.",
  positionals: [{ name: "NAME", required: true, help: "how roles refer to it" }],
  options: { ...FIELDS, json: JSON_OPTION },
  examples: [
    "brokerctl source add ops --type keys",
    "brokerctl source add ops-keys --type keys --mfa-serial arn:aws:iam::111111111111:mfa/me",
    "brokerctl source add corp --type sso --sso-start-url https://corp.awsapps.com/start --sso-region eu-west-1",
    "brokerctl source add console --type console_login --region eu-west-1",
    "brokerctl source add legacy --type process --credential-process '/opt/bin/creds --json'",
  ],
  async run({ options, positionals }, context) {
    const name = positionals[0] ?? "";
    const type = typeOf(options.type);
    const fields = { ...(await fieldsOf(options, FIELDS, context)), type };
    const summary = await addEntry({ kind: "source", name, fields }, context);
    if (context.output.json) context.output.printJson({ source: name, summary });
    for (const line of summary) context.output.say(line);
    context.output.hint(nextStep(type, name));
  },
});

/** The type in the config's spelling. */
function typeOf(type: string | undefined): string {
  if (type === undefined) {
    throw new BrokerError("UsageInvalid", "--type is needed: the kind of source", {
      hint: `--type TYPE, one of ${TYPES.join(", ")}`,
    });
  }
  const spelled = type.replaceAll("-", "_");
  if (TYPES.includes(spelled)) return spelled;
  throw new BrokerError("UsageInvalid", `--type must be one of ${TYPES.join(", ")}, not '${type}'`, {
    hint: `--type ${nearestName(spelled, TYPES) ?? "keys"}`,
  });
}

function nextStep(type: string, name: string): string {
  if (type === "keys") return `brokerctl keys add ${name}`;
  if (type === "sso" || type === "console_login") return `brokerctl login ${name}`;
  const role = type === "aws_sso_cache" ? "--sso-account-id ID --sso-role-name NAME" : "--role-arn ARN";
  return `brokerctl role add NAME --source ${name} ${role}`;
}
