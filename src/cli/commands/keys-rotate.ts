import { defineCommand, JSON_OPTION } from "../command.js";
import { findKey, keyJson } from "../keys/find-key.js";
import { confirmOrRefuse } from "../terminal/prompts.js";

export const keysRotateCommand = defineCommand({
  name: "keys rotate",
  summary: "Make a new access key with IAM, store it, and retire the old one",
  details: "The new key is stored and proven before the old one is touched. IAM allows two keys a user.",
  positionals: [{ name: "SOURCE", required: true, help: "whose key" }],
  options: { yes: { type: "boolean", help: "do not ask" }, json: JSON_OPTION },
  examples: ["brokerctl keys rotate ops"],
  async run({ options, positionals }, context) {
    const { client, output } = context;
    const old = await findKey(positionals[0] ?? "", context);
    await confirmOrRefuse(`Rotate the key …${old.accessKeyIdSuffix} of ${old.source}?`, options.yes, context);
    const { notes, ...key } = await client.call("keys-rotate", { source: old.source });
    if (output.json) output.printJson({ ...keyJson(key), notes });
    output.say(`${key.source}: …${old.accessKeyIdSuffix} → …${key.accessKeyIdSuffix}`);
    for (const note of notes) output.say(note);
  },
});
