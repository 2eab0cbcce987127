import { defineCommand, JSON_OPTION } from "../command.js";
import { findKey, keyJson } from "../keys/find-key.js";
import { confirmOrRefuse } from "../terminal/prompts.js";

export const keysRemoveCommand = defineCommand({
  name: "keys remove",
  summary: "Remove a long-term key from the secret store",
  details: "AWS keeps the key: deactivate or delete it in IAM as well. The source stays in the config.",
  positionals: [{ name: "SOURCE", required: true, help: "whose key" }],
  options: { yes: { type: "boolean", help: "do not ask" }, json: JSON_OPTION },
  examples: ["brokerctl keys remove ops", "brokerctl keys remove ops --yes"],
  async run({ options, positionals }, context) {
    const { client, output } = context;
    const key = await findKey(positionals[0] ?? "", context);
    await confirmOrRefuse(`Remove the key …${key.accessKeyIdSuffix} of ${key.source}?`, options.yes, context);
    await client.call("keys-remove", { source: key.source });
    if (output.json) output.printJson(keyJson(key));
    output.say(
      `the key …${key.accessKeyIdSuffix} of ${key.source} is removed here; AWS keeps it until it is deleted in IAM`,
    );
  },
});
