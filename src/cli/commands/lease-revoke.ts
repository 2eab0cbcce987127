import { findLease } from "../access/find-lease.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import { holderJson, holderLines } from "../terminal/audit-text.js";
import { leaseJson } from "../terminal/views.js";

export const leaseRevokeCommand = defineCommand({
  name: "lease revoke",
  summary: "End a lease now",
  details: `Its token is refused from then on. Credentials that a program has fetched already stay valid until AWS ends them: it says which
programs hold some, and until when.`,
  positionals: [{ name: "LEASE", required: true, help: "name or id, see `brokerctl lease list`" }],
  options: { json: JSON_OPTION },
  examples: ["brokerctl lease revoke ide"],
  async run({ positionals }, context) {
    const lease = await findLease(context, positionals[0] ?? "");
    const revoked = await context.client.call("lease-revoke", { lease });
    const { output, clock } = context;
    if (output.json) {
      output.printJson({ ...leaseJson(revoked), holders: revoked.holders.map(holderJson) });
      return;
    }
    output.say(`lease ${revoked.name ?? revoked.id} has ended; its token is refused`);
    for (const line of holderLines(revoked.holders, clock.now())) output.say(line);
  },
});
