import { type AgentEdit, planUninstall } from "../agents/agent-file.js";
import { AGENTS, type Agent } from "../agents/agents.js";
import { readInstalled } from "../agents/installed-agents.js";
import type { CliContext } from "../context.js";

/** Entries of ours in the config of agents: in each one's own file, and where `agent install --project` wrote one. */
export async function findAgentLeftovers(context: CliContext): Promise<readonly AgentEdit[]> {
  const { env, homeDir } = context;
  const home = { env, homeDir, platform: process.platform };
  const files = new Map<string, Agent>(AGENTS.map((agent) => [agent.userFile(home), agent]));
  for (const { agent: name, path } of await readInstalled(context).catch(() => [])) {
    const agent = AGENTS.find((one) => one.name === name);
    if (agent) files.set(path, agent);
  }
  // A file that cannot be read holds nothing of ours.
  const plans = [...files].map(([path, agent]) => planUninstall(agent, path, context).catch(() => undefined));
  return (await Promise.all(plans)).filter((plan): plan is AgentEdit => plan?.edit !== undefined);
}
