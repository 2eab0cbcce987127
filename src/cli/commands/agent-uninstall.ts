import { planUninstall, uninstall } from "../agents/agent-file.js";
import { AGENT_NAMES, agentNamed } from "../agents/agents.js";
import { tellEdit } from "../agents/tell-edit.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import { agentFile } from "./agent-install.js";

export const agentUninstallCommand = defineCommand({
  name: "agent uninstall",
  summary: "Take out what agent install entered",
  details: `The file is then what it was before, to the byte where the entry still stands as it was written. A file that was made for it goes with it.
An entry that brokerctl did not write is left.`,
  positionals: [{ name: "AGENT", required: true, choices: AGENT_NAMES, help: AGENT_NAMES.join(", ") }],
  options: {
    project: { type: "boolean", help: "in the project in the current directory" },
    "dry-run": { type: "boolean", help: "print what would change, and change nothing" },
    json: JSON_OPTION,
  },
  examples: ["brokerctl agent uninstall claude-code", "brokerctl agent uninstall vscode --project --dry-run"],
  async run({ options: { project, "dry-run": dryRun }, positionals: [name = ""] }, context) {
    const agent = agentNamed(name);
    const path = agentFile(agent, project, context);
    const plan = await planUninstall(agent, path, context);
    if (!dryRun) await uninstall(plan, context);
    const unchanged = `there is nothing of brokerctl in ${path}`;
    tellEdit(plan, { dryRun, unchanged, changed: `taken out of ${path}` }, context);
  },
});
