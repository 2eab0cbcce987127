import { defineCommand, JSON_OPTION } from "../command.js";
import { requestJson } from "../guard/request-views.js";

export const denyCommand = defineCommand({
  name: "deny",
  summary: "Refuse what a lease asks for, or take back what was granted",
  details: "The lease has its own role again at once. It may ask for the same role again after ten minutes.",
  positionals: [{ name: "ID", required: true, help: "see `brokerctl requests --all`" }],
  options: { json: JSON_OPTION },
  examples: ["brokerctl deny k3v7qa"],
  async run({ positionals: [id = ""] }, { client, output }) {
    const denied = await client.call("request-deny", { id });
    if (output.json) {
      output.printJson(requestJson(denied));
      return;
    }
    output.say(`request ${id} of lease ${denied.lease.label} for ${denied.role} is denied`);
  },
});
