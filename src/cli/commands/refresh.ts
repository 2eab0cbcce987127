import { BrokerError } from "../../core/errors.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import { exitCodeOf } from "../exit-codes.js";
import { withLogin } from "../login/login.js";
import { roleSummaryJson } from "../terminal/views.js";
import { until } from "../terminal/when.js";

export const refreshCommand = defineCommand({
  name: "refresh",
  summary: "Renew credentials now",
  details: "Without ROLE: those of every role that is held. Programs get the new ones at their next fetch.",
  positionals: [{ name: "ROLE", help: "a role of the config" }],
  options: { json: JSON_OPTION },
  examples: ["brokerctl refresh", "brokerctl refresh prod-role"],
  async run({ positionals }, context) {
    const { client, output, clock } = context;
    const role = positionals[0];
    const { refreshed, failed } = await withLogin(context, role, async () => {
      const result = await client.call("refresh", role === undefined ? {} : { role });
      const only = role === undefined ? undefined : result.failed[0];
      if (only) throw new BrokerError(only.code, only.message, { hint: only.hint });
      return result;
    });
    if (output.json) {
      output.printJson({ refreshed: refreshed.map(roleSummaryJson), failed });
    } else {
      for (const summary of refreshed)
        output.say(`${summary.role ?? "-"}: until ${until(summary.expiration, clock.now())}`);
      for (const { role: name, code, message, hint } of failed) {
        output.error(new BrokerError(code, `${name}: ${message}`, { hint }));
      }
      if (refreshed.length + failed.length === 0) output.say("no credentials are held: nothing to renew");
    }
    return failed[0] === undefined ? 0 : exitCodeOf(failed[0].code);
  },
});
