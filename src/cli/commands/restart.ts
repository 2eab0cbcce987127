import { defineCommand, JSON_OPTION } from "../command.js";
import { ownSupervisor } from "../daemon/own-supervisor.js";
import { refuseWithoutConfig, startDaemon, supervisedAnswer } from "../daemon/start-daemon.js";
import { stopDaemon } from "../daemon/stop-daemon.js";
import { sayStarted } from "./start.js";

export const restartCommand = defineCommand({
  name: "restart",
  summary: "Stop brokerd and start the installed version",
  details: `Leases, the default role and cached credentials outlive it; starts it also when it did not run. The sockets of
an installed service stay open meanwhile: no program is refused.`,
  options: { json: JSON_OPTION },
  examples: ["brokerctl restart"],
  async run(_, context) {
    const supervisor = await ownSupervisor(context);
    const state = await supervisor?.state();
    if (supervisor && (state?.running || state?.holdsSockets)) {
      const since = context.clock.now();
      await supervisor.restart();
      sayStarted(await supervisedAnswer(context, since), state.running ? "restarted" : "started", context);
      return;
    }
    refuseWithoutConfig(context);
    const ran = await stopDaemon(context);
    sayStarted(await startDaemon(context), ran ? "restarted" : "started", context);
  },
});
