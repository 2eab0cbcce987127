import { statSync } from "node:fs";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import { absolutePath } from "../arguments/argument-values.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import { addEntry, checkName } from "../config/config-entry.js";
import type { CliContext } from "../context.js";
import { keyJson } from "../keys/find-key.js";
import type { LongTermKey } from "../keys/key-input.js";
import { checkKeyOptions, type KeyInputOptions, readKey } from "../keys/key-input.js";

export const keysAddCommand = defineCommand({
  name: "keys add",
  summary: "Put a long-term key into the secret store",
  details: `The secret is typed without echo, piped in, or read from the console's CSV file; never an argument. Makes the source when
the config has none of that name. The key itself is never served to programs.`,
  positionals: [{ name: "SOURCE", required: true, help: "a source of type keys" }],
  options: {
    "access-key-id": { type: "string", value: "ID", help: "AKIA…; asked for when left out" },
    "secret-stdin": { type: "boolean", help: "read the secret access key from stdin" },
    csv: { type: "string", value: "FILE", help: "the .csv file that the IAM console offers" },
    replace: { type: "boolean", help: "take the place of a key that is there" },
    role: { type: "string", value: "NAME", help: "add a role of the source too: a session of the key's own user" },
    "role-arn": { type: "string", value: "ARN", help: "with --role: a role that the key's user may assume" },
    json: JSON_OPTION,
  },
  examples: [
    "brokerctl keys add ops",
    "brokerctl keys add ops --csv ~/Downloads/me_accessKeys.csv",
    "brokerctl keys add ops --role dev --role-arn arn:aws:iam::111111111111:role/dev",
    "op read op://Private/aws/secret | brokerctl keys add ops --access-key-id AKIAIOSFODNN7EXAMPLE --secret-stdin",
  ],
  async run({ options, positionals }, context) {
    const { client, output } = context;
    const source = positionals[0] ?? "";
    checkName(source);
    const input: KeyInputOptions = {
      source,
      accessKeyId: options["access-key-id"],
      secretStdin: options["secret-stdin"],
      csv: options.csv,
    };
    checkKeyOptions(input);
    const role = roleOf(options);
    await refuseSecondKey(source, options.replace, context);
    if (role !== undefined) await refuseSecondRole(role.name, context);
    const key = await readKey(input, context);
    await makeMissingSource(source, context);
    const { notes, ...stored } = await client.call("keys-add", { source, ...revealed(key), replace: options.replace });
    if (output.json) output.printJson({ ...keyJson(stored), notes });
    output.say(`the key …${stored.accessKeyIdSuffix} of ${source} is in the secret store`);
    for (const note of notes) output.say(note);
    if (role !== undefined) await addRole({ ...role, source }, context);
    if (options.csv !== undefined) tellOfCsv(absolutePath(options.csv, context), context);
  },
});

interface NewRole {
  readonly name: string;
  readonly arn: string | undefined;
}

function roleOf(options: {
  readonly role: string | undefined;
  readonly "role-arn": string | undefined;
}): NewRole | undefined {
  const { role: name, "role-arn": arn } = options;
  if (name !== undefined) {
    checkName(name);
    return { name, arn };
  }
  if (arn === undefined) return undefined;
  throw new BrokerError("UsageInvalid", "--role-arn is of the role that --role names", {
    hint: `brokerctl keys add SOURCE --role dev --role-arn ${shellQuote(arn)}`,
  });
}

/** After the key, which is in the secret store whatever becomes of this. */
async function addRole(
  { name, arn, source }: NewRole & { readonly source: string },
  context: CliContext,
): Promise<void> {
  const fields = { source, ...(arn !== undefined && { role_arn: arn }) };
  const summary = await addEntry({ kind: "role", name, fields }, context);
  for (const line of summary) context.output.say(line);
  context.output.hint(`brokerctl use ${name}`);
}

async function refuseSecondRole(name: string, { client }: CliContext): Promise<void> {
  const { roles } = await client.call("status", {});
  if (!roles.some((role) => role.name === name)) return;
  throw new BrokerError("Conflict", `there is a role ${name} already`, { hint: "brokerctl roles" });
}

/** Before the user types a secret for nothing. */
async function refuseSecondKey(source: string, replace: boolean, { client }: CliContext): Promise<void> {
  if (replace) return;
  const { keys } = await client.call("keys-list", {});
  const held = keys.find((key) => key.source === source);
  if (!held) return;
  throw new BrokerError("Conflict", `${source} has a key already, …${held.accessKeyIdSuffix}`, {
    hint: `brokerctl keys add ${source} --replace`,
  });
}

async function makeMissingSource(source: string, context: CliContext): Promise<void> {
  const { sources } = await context.client.call("status", {});
  if (sources.some(({ name }) => name === source)) return;
  const summary = await addEntry({ kind: "source", name: source, fields: { type: "keys" } }, context);
  for (const line of summary) context.output.say(line);
}

/** The last line before the socket. */
function revealed({ accessKeyId, secretAccessKey }: LongTermKey): { accessKeyId: string; secretAccessKey: string } {
  return { accessKeyId, secretAccessKey: secretAccessKey.reveal() };
}

function tellOfCsv(path: string, { output }: CliContext): void {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return;
  output.warn(`${path} still holds the key in clear text`, `rm ${shellQuote(path)}`);
}
