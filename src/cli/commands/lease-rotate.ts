import { findLease } from "../access/find-lease.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import { confirmRole, REASON_OPTION } from "../guard/confirm-role.js";
import { printAccess } from "../terminal/views.js";

export const leaseRotateCommand = defineCommand({
  name: "lease rotate",
  summary: "Give a lease a new token; the old one is refused at once",
  positionals: [{ name: "LEASE", required: true, help: "name or id, see `brokerctl lease list`" }],
  options: { reason: REASON_OPTION, json: JSON_OPTION },
  examples: ["brokerctl lease rotate ide", "brokerctl lease rotate default"],
  async run({ options, positionals }, context) {
    const lease = await findLease(context, positionals[0] ?? "");
    const { role, kind, followsDefault } = await context.client.call("lease-show", { lease });
    const isGiven = role === null || followsDefault || kind === "default";
    const yes = isGiven ? {} : await confirmRole({ role, target: lease, reason: options.reason }, context);
    printAccess(await context.client.call("lease-rotate", { lease, ...yes }), context);
    context.output.say("the old token is refused from now on: programs that have it need the new one");
  },
});
