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
    json: JSON_OPTION,
  },
  examples: [
    "brokerctl keys add ops",
    "brokerctl keys add ops --csv ~/Downloads/me_accessKeys.csv",
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
    await refuseSecondKey(source, options.replace, context);
    const key = await readKey(input, context);
    await makeMissingSource(source, context);
    const { notes, ...stored } = await client.call("keys-add", { source, ...revealed(key), replace: options.replace });
    if (output.json) output.printJson({ ...keyJson(stored), notes });
    output.say(`the key …${stored.accessKeyIdSuffix} of ${source} is in the secret store`);
    for (const note of notes) output.say(note);
    if (options.csv !== undefined) tellOfCsv(absolutePath(options.csv, context), context);
  },
});

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
