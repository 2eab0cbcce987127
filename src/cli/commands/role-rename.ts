import { defineCommand, JSON_OPTION } from "../command.js";
import { renameEntry } from "../config/named-entry.js";

export const roleRenameCommand = defineCommand({
  name: "role rename",
  summary: "Give a role another name",
  details: `Every place that names it follows: roles that are chained from it, projects, lambda.via, rules of requests that name it, and leases.
Shells and programs notice nothing: their leases follow. Comments and order of the file stay. When it is stopped half-way, run it again.`,
  positionals: [
    { name: "ROLE", required: true, help: "its name now" },
    { name: "NEW", required: true, help: "its name from now on" },
  ],
  options: { json: JSON_OPTION },
  examples: ["brokerctl role rename dev orders-dev"],
  async run({ positionals: [name = "", to = ""] }, context) {
    await renameEntry({ kind: "role", name, to }, context);
  },
});
