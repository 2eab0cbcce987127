import { defineCommand, JSON_OPTION } from "../command.js";
import { showEntry } from "../config/named-entry.js";

export const roleShowCommand = defineCommand({
  name: "role show",
  summary: "Show a role as the config has it, its state, and what uses it",
  positionals: [{ name: "ROLE", required: true, help: "its name in the config" }],
  options: { json: JSON_OPTION },
  examples: ["brokerctl role show dev", "brokerctl role show dev --json"],
  async run({ positionals }, context) {
    await showEntry({ kind: "role", name: positionals[0] ?? "" }, context);
  },
});
