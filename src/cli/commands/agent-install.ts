import { join } from "node:path";
import { install, planInstall } from "../agents/agent-file.js";
import { AGENT_NAMES, type Agent, agentNamed } from "../agents/agents.js";
import { tellEdit } from "../agents/tell-edit.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import type { CliContext } from "../context.js";
import { ownCommand } from "../profiles/process-line.js";

export const agentInstallCommand = defineCommand({
  name: "agent install",
  summary: "Enter the tools by which an agent asks for roles into its config",
  details: `One entry, which starts \`brokerctl mcp\`, in the agent's own file for all projects; with --project in that of the current directory,
which is meant to be committed. No key, token or URL is written, and every other byte of the file stays. Run again it changes nothing, or brings
the entry up to date; \`brokerctl agent uninstall\` undoes it, and so does \`brokerctl uninstall\`.`,
  positionals: [{ name: "AGENT", required: true, choices: AGENT_NAMES, help: AGENT_NAMES.join(", ") }],
  options: {
    project: { type: "boolean", help: "in the project in the current directory, with brokerctl as PATH finds it" },
    lease: { type: "string", value: "NAME", help: "the lease its tools are about; default: that of its variables" },
    "dry-run": { type: "boolean", help: "print what would change, and change nothing" },
    json: JSON_OPTION,
  },
  examples: [
    "brokerctl agent install claude-code --dry-run",
    "brokerctl agent install codex",
    "brokerctl agent install vscode --project --lease agent",
  ],
  async run({ options, positionals: [name = ""] }, context) {
    const { output } = context;
    const { project, lease, "dry-run": dryRun } = options;
    const agent = agentNamed(name);
    const path = agentFile(agent, project, context);
    const own = project ? { words: ["brokerctl"], notes: [] } : ownCommand(context);
    const command = [...own.words, "mcp", ...(lease === undefined ? [] : ["--lease", lease])];
    const plan = await planInstall(agent, path, command);
    if (!dryRun) await install(plan, context);
    const recipe = recipeOf(agent, lease);
    const unchanged = `${path} has the entry already`;
    const changed = `${agent.title} finds the tools in ${path} when it next starts`;
    tellEdit(plan, { dryRun, unchanged, changed, json: { recipe } }, context);
    for (const note of own.notes) output.warn(note);
    if (!output.json) output.hint(`${recipe}    # starts it with a lease of its own`);
  },
});

/** The agent's file for all projects, or the one of the current directory. */
export function agentFile(agent: Agent, project: boolean, { env, homeDir, cwd }: CliContext): string {
  return project ? join(cwd(), agent.projectFile) : agent.userFile({ env, homeDir, platform: process.platform });
}

function recipeOf({ start, confined }: Agent, lease = "agent"): string {
  const flags = confined === undefined ? "" : ` --confine ${confined}`;
  return `brokerctl exec --lease ${lease}${flags} -- ${start}`;
}
