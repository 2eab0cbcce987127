import { defineCommand, JSON_OPTION } from "../command.js";
import { neededSupervisor } from "../daemon/install-service.js";

export const serviceUninstallCommand = defineCommand({
  name: "service uninstall",
  summary: "Stop brokerd and remove what service install wrote",
  details: "Config, leases and secrets stay. Commands that need brokerd start it by themselves from then on.",
  options: { json: JSON_OPTION },
  examples: ["brokerctl service uninstall"],
  async run(_, context) {
    const { removed } = await (await neededSupervisor(context)).uninstall();
    if (context.output.json) context.output.printJson({ removed });
    for (const path of removed) context.output.say(`removed ${path}`);
    context.output.say(removed.length === 0 ? "no service is installed" : "brokerd has stopped");
  },
});
