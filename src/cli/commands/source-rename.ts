import { defineCommand, JSON_OPTION } from "../command.js";
import { renameEntry } from "../config/named-entry.js";

export const sourceRenameCommand = defineCommand({
  name: "source rename",
  summary: "Give a source another name",
  details: `Every place that names it follows: its roles, and SOURCE:ACCOUNT/ROLE in projects and leases.
Its key stays in the secret store, its login in force. Comments and order of the file stay. When it is stopped half-way, run it again.`,
  positionals: [
    { name: "SOURCE", required: true, help: "its name now" },
    { name: "NEW", required: true, help: "its name from now on" },
  ],
  options: { json: JSON_OPTION },
  examples: ["brokerctl source rename corp company"],
  async run({ positionals: [name = "", to = ""] }, context) {
    await renameEntry({ kind: "source", name, to }, context);
  },
});
