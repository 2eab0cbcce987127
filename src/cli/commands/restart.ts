import { defineCommand, JSON_OPTION } from "../command.js";
import { startDaemon } from "../start-daemon.js";
import { stopDaemon } from "../stop-daemon.js";
import { sayStarted } from "./start.js";

export const restartCommand = defineCommand({
  name: "restart",
  summary: "Stop brokerd and start the installed version",
  details: "Leases, the default role and cached credentials outlive it; starts it also when it did not run.",
  options: { json: JSON_OPTION },
  examples: ["brokerctl restart"],
  async run(_, context) {
    const ran = await stopDaemon(context);
    sayStarted(await startDaemon(context), ran ? "restarted" : "started", context);
  },
});
