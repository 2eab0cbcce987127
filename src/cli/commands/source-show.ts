import { defineCommand, JSON_OPTION } from "../command.js";
import { showEntry } from "../config/named-entry.js";

export const sourceShowCommand = defineCommand({
  name: "source show",
  summary: "Show a source as the config has it, its state, and what uses it",
  positionals: [{ name: "SOURCE", required: true, help: "its name in the config" }],
  options: { json: JSON_OPTION },
  examples: ["brokerctl source show corp", "brokerctl source show corp --json"],
  async run({ positionals }, context) {
    await showEntry({ kind: "source", name: positionals[0] ?? "" }, context);
  },
});
