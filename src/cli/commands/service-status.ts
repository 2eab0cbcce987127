import type { Supervisor, SupervisorState } from "../../system/service/supervisor.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import type { CliContext } from "../context.js";
import { neededSupervisor } from "../daemon/install-service.js";
import { fields } from "../terminal/table.js";

export const serviceStatusCommand = defineCommand({
  name: "service status",
  summary: "Show what is installed, whether it runs, what is wrong with it",
  details: "Never starts the daemon.",
  options: { json: JSON_OPTION },
  examples: ["brokerctl service status", "brokerctl service status --json | jq .problems"],
  async run(_, context) {
    const supervisor = await neededSupervisor(context);
    const state = await supervisor.state();
    if (context.output.json) context.output.printJson(viewOf(supervisor, state));
    else if (state.ownership === "absent") await sayAbsent(supervisor, context);
    else print(supervisor, state, context);
  },
});

function viewOf({ name }: Supervisor, state: SupervisorState): Readonly<Record<string, unknown>> {
  const { ownership, configFile, running, holdsSockets, confined, unreadableNode, command, problems } = state;
  return {
    ...{ supervisor: name, installed: ownership === "ours", ownership, config: configFile, running },
    ...{ holds_sockets: holdsSockets, confined, unreadable_node: unreadableNode, command, problems },
  };
}

/** The user is not sent to an installation that cannot be. */
async function sayAbsent(supervisor: Supervisor, { output }: CliContext): Promise<void> {
  const isPossible = (await supervisor.isReachable?.()) ?? true;
  output.print(`no service is installed${isPossible ? "" : `, and ${supervisor.name} cannot be reached from here`}`);
  output.hint(isPossible ? "brokerctl service install" : "commands that need brokerd start it without a service");
}

function print(supervisor: Supervisor, state: SupervisorState, { output }: CliContext): void {
  const { ownership, configFile, confined, unreadableNode, command, problems } = state;
  const isOurs = ownership === "ours";
  const lines = [
    `${supervisor.name.padEnd(14)}${activity(state)}`,
    `config        ${configFile ?? "not of brokerctl's writing"}`,
    ...(command.length > 0 ? [`command       ${command.join(" ")}`] : []),
    ...(isOurs && supervisor.name === "systemd"
      ? [`namespaces    ${confined ? "yes" : "no"}`, `memory        ${memoryOf(unreadableNode, confined)}`]
      : []),
  ];
  output.print(fields(lines, output.screen));
  for (const { message, hint } of problems) output.warn(message, hint);
}

function memoryOf(owner: SupervisorState["unreadableNode"], confined: boolean): string {
  if (owner !== null)
    return `closed to other programs: a Node of ${owner === "root" ? "root's" : "yours"} that they cannot read`;
  return `programs of your user can read it${confined ? "; in the namespaces only a Node of root's would help" : ""}`;
}

function activity({ ownership, running, holdsSockets }: SupervisorState): string {
  if (ownership === "foreign") return "installed for another home, left alone";
  if (running) return "runs brokerd";
  return holdsSockets ? "starts brokerd with the next request" : "stopped";
}
