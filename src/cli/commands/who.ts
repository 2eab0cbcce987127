import { defineCommand, JSON_OPTION } from "../command.js";
import { holderJson } from "../terminal/audit-text.js";
import { table } from "../terminal/table.js";
import { leaseJson } from "../terminal/views.js";
import { until, when } from "../terminal/when.js";

export const whoCommand = defineCommand({
  name: "who",
  summary: "Who holds a role now: leases, programs, and until when",
  details: `Leases that stand for the role can fetch it; programs that fetched it hold credentials until AWS ends them, also when their
lease has ended or stands for another role since. Programs are as the audit log has them.`,
  positionals: [{ name: "ROLE", required: true, help: "a role of the config, or SOURCE:ACCOUNT/ROLE" }],
  options: { json: JSON_OPTION },
  examples: ["brokerctl who prod", "brokerctl who prod --json | jq '.holders[].program'"],
  async run({ positionals }, { client, output, clock }) {
    const { role, leases, holders } = await client.call("who", { role: positionals[0] ?? "" });
    if (output.json) {
      output.printJson({ role, leases: leases.map(leaseJson), holders: holders.map(holderJson) });
      return;
    }
    const now = clock.now();
    if (leases.length > 0) {
      const rows = leases.map((lease) => [lease.name ?? lease.kind, lease.id, when(lease.lastUsedAt, now)]);
      output.print(table(["lease", "id", "last used"], rows, output.screen));
    } else output.say(`no lease stands for ${role}`);
    if (holders.length === 0) {
      output.say(`no program is known to hold credentials of ${role}`);
      return;
    }
    const rows = holders.map((holder) => [
      holder.program ?? "(not looked up)",
      holder.pid === null ? "-" : String(holder.pid),
      holder.leaseName ?? holder.lease,
      until(holder.until, now),
      holder.cwd ?? "-",
    ]);
    output.print(`\n${table(["program", "pid", "lease", "holds it until", "directory"], rows, output.screen)}`);
  },
});
