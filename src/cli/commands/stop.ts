import { defineCommand } from "../command.js";
import { stopForGood } from "../daemon/stop-daemon.js";

export const stopCommand = defineCommand({
  name: "stop",
  summary: "Stop brokerd",
  details: `Waits until it has ended. Programs cannot fetch credentials until it runs again; what they hold stays valid. Leases of
shells and of named clients are there again after the next start. A command that began before the stop does not start
it again (exit 3); one that you run later does, as ever, unless CREDBROKER_NO_AUTOSTART=1. The sockets of an installed service are closed too;
the next command that needs brokerd, or the next login, opens them again.`,
  options: {},
  examples: ["brokerctl stop"],
  async run(_, context) {
    context.output.say((await stopForGood(context)) ? "brokerd has stopped" : "brokerd is not running");
  },
});
