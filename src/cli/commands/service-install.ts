import { defineCommand, JSON_OPTION } from "../command.js";
import type { CliContext } from "../context.js";
import { installService, type ServiceInstallation } from "../daemon/install-service.js";
import { sayStarted } from "./start.js";

export const serviceInstallCommand = defineCommand({
  name: "service install",
  summary: "Let systemd or launchd start brokerd and start it again",
  details: `Writes the units (docs/service.md names them), takes over from a brokerd that runs, and keeps its leases. With
systemd the user manager holds the port and the control socket: a request starts brokerd, and no other program ever finds
the port free. Run it again after a change of endpoint.port, of a proxy or authority in the environment, or of Node.`,
  options: { json: JSON_OPTION },
  examples: ["brokerctl service install"],
  async run(_, context) {
    sayInstalled(await installService(context), context);
  },
});

export function sayInstalled({ supervisor, written, notes, status }: ServiceInstallation, context: CliContext): void {
  const { output } = context;
  if (output.json) {
    output.printJson({
      supervisor: supervisor.name,
      written,
      notes,
      pid: status.daemon.pid,
      endpoint: status.daemon.endpoint,
    });
    return;
  }
  for (const path of written) output.say(`wrote ${path}`);
  if (written.length === 0) output.say("the service is installed as it should be already");
  for (const note of notes) output.say(`note: ${note}`);
  sayStarted(status, `is run by ${supervisor.name}`, context);
}
