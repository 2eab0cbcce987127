import { findLease } from "../access/find-lease.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import { printAccess } from "../terminal/views.js";

export const leaseRotateCommand = defineCommand({
  name: "lease rotate",
  summary: "Give a lease a new token; the old one is refused at once",
  positionals: [{ name: "LEASE", required: true, help: "name or id, see `brokerctl lease list`" }],
  options: { json: JSON_OPTION },
  examples: ["brokerctl lease rotate ide", "brokerctl lease rotate default"],
  async run({ positionals }, context) {
    const lease = await findLease(context, positionals[0] ?? "");
    printAccess(await context.client.call("lease-rotate", { lease }), context);
    context.output.say("the old token is refused from now on: programs that have it need the new one");
  },
});
