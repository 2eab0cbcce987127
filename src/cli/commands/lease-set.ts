import { findLease } from "../access/find-lease.js";
import { parseDuration } from "../arguments/argument-values.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import { confirmRole, REASON_OPTION, sayBothEnds } from "../guard/confirm-role.js";
import { withLogin } from "../login/login.js";
import { movedJson, sayMoved } from "../terminal/moved.js";

export const leaseSetCommand = defineCommand({
  name: "lease set",
  summary: "Give a lease made by `lease create` another role",
  details: `What moves a pinned lease: its URL stays the same, and it stays pinned. Refused in a shell whose own variables hold a
pinned lease: an agent does not move itself.`,
  positionals: [
    { name: "LEASE", required: true, help: "the name that `lease create` was given" },
    { name: "ROLE", required: true, help: "the role that its programs get from now on" },
  ],
  options: {
    for: { type: "string", value: "DURATION", help: "go back to the old role then, e.g. 30m" },
    reason: REASON_OPTION,
    json: JSON_OPTION,
  },
  examples: ["brokerctl lease set agent readonly", "brokerctl lease set agent prod --for 30m --reason 'ticket 4711'"],
  async run({ options, positionals: [name = "", role = ""] }, context) {
    const { client, output } = context;
    const forSeconds = options.for === undefined ? undefined : parseDuration(options.for, "--for");
    const lease = await findLease(context, name);
    const yes = await confirmRole({ role, target: lease, forSeconds, reason: options.reason }, context);
    const moved = await withLogin(context, role, () =>
      client.call("lease-set", { lease, role, ...(forSeconds !== undefined && { forSeconds }), ...yes }),
    );
    if (output.json) {
      output.printJson(movedJson(moved));
      return;
    }
    sayMoved(moved, context);
    sayBothEnds({ lease: moved.lease, expiration: moved.new.expiration }, context);
  },
});
