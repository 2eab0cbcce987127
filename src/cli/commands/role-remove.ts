import { defineCommand, JSON_OPTION } from "../command.js";
import { removeEntry } from "../config/named-entry.js";

export const roleRemoveCommand = defineCommand({
  name: "role remove",
  summary: "Take a role out of the config",
  details: "Refused, with their names, while other roles, projects, settings, rules or leases need it.",
  positionals: [{ name: "ROLE", required: true, help: "its name in the config" }],
  options: { yes: { type: "boolean", help: "do not ask" }, json: JSON_OPTION },
  examples: ["brokerctl role remove sandbox", "brokerctl role remove sandbox --yes"],
  async run({ options, positionals }, context) {
    await removeEntry({ kind: "role", name: positionals[0] ?? "", yes: options.yes }, context);
  },
});
