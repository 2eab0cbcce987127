import { defineCommand, JSON_OPTION } from "../command.js";
import { removeEntry } from "../config/named-entry.js";

export const sourceRemoveCommand = defineCommand({
  name: "source remove",
  summary: "Take a source out of the config",
  details:
    "Refused, with their names, while roles or leases need it, while it has a key in the secret store, and while you are logged in to it.",
  positionals: [{ name: "SOURCE", required: true, help: "its name in the config" }],
  options: { yes: { type: "boolean", help: "do not ask" }, json: JSON_OPTION },
  examples: ["brokerctl source remove old", "brokerctl source remove old --yes"],
  async run({ options, positionals }, context) {
    await removeEntry({ kind: "source", name: positionals[0] ?? "", yes: options.yes }, context);
  },
});
