import { BrokerError } from "../../core/errors.js";
import { nearestName } from "../../core/nearest-name.js";
import { defineCommand, JSON_OPTION, type OptionSpecs } from "../command.js";
import { addEntry, fieldsOf } from "../config-entry.js";

const TYPES: readonly string[] = ["keys"];
/** Of the interface, not of this version. */
const LATER_TYPES: readonly string[] = [
  "sso",
  "web_identity",
  "process",
  "aws_sso_cache",
  "profile",
  "instance_metadata",
  "container",
];

const FIELDS = {
  type: { type: "string", value: "keys", help: "what kind of source; keys: a long-term key in the secret store" },
  "mfa-serial": { type: "string", value: "ARN", help: "MFA device: one login serves all roles of the source" },
  "session-duration-seconds": { type: "string", value: "N", help: "of the session after an MFA login, 900 to 129600" },
  region: { type: "string", value: "REGION", help: "whose STS endpoint signs" },
} as const satisfies OptionSpecs;

export const sourceAddCommand = defineCommand({
  name: "source add",
  summary: "Add a source to the config: what signs the first hop of roles",
  details: "The flags are the config's keys (also in its spelling: --mfa_serial). Comments and order of the file stay.",
  positionals: [{ name: "NAME", required: true, help: "how roles refer to it" }],
  options: { ...FIELDS, json: JSON_OPTION },
  laterOptions: [
    "sso-start-url",
    "sso-region",
    "sso-session",
    "web-identity-token-file",
    "credential-process",
    "mfa-process",
    "profile",
  ],
  examples: [
    "brokerctl source add ops --type keys",
    "brokerctl source add ops-keys --type keys --mfa-serial arn:aws:iam::111111111111:mfa/me",
  ],
  async run({ options, positionals }, context) {
    const name = positionals[0] ?? "";
    checkType(options.type);
    const fields = await fieldsOf(options, FIELDS, context.cwd);
    const summary = await addEntry({ kind: "source", name, fields }, context);
    if (context.output.json) context.output.printJson({ source: name, summary });
    for (const line of summary) context.output.say(line);
    context.output.hint(`brokerctl keys add ${name}`);
  },
});

function checkType(type: string | undefined): void {
  if (type === undefined) {
    throw new BrokerError("UsageInvalid", "--type is needed: the kind of source", { hint: "--type keys" });
  }
  if (TYPES.includes(type)) return;
  const kebab = type.replaceAll("-", "_");
  if (LATER_TYPES.includes(kebab)) {
    throw new BrokerError("NotSupported", `--type ${type}: this kind of source is not in this version yet`, {
      hint: "--type keys",
    });
  }
  const near = nearestName(kebab, [...TYPES, ...LATER_TYPES]) ?? "keys";
  throw new BrokerError("UsageInvalid", `--type must be keys, not '${type}'`, { hint: `--type ${near}` });
}
