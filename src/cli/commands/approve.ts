import { BrokerError } from "../../core/errors.js";
import { parseDuration } from "../arguments/argument-values.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import { confirmRole } from "../guard/confirm-role.js";
import { requestJson, wishText } from "../guard/request-views.js";
import { withLogin } from "../login/login.js";
import { until } from "../terminal/when.js";

export const approveCommand = defineCommand({
  name: "approve",
  summary: "Grant what a lease asks for",
  details: `For the request as \`brokerctl requests\` shows it: where its role is another by now, it is void. A guarded role asks what
its guard asks. Refused in a shell whose own variables hold a pinned lease: an agent does not approve itself.`,
  positionals: [{ name: "ID", required: true, help: "see `brokerctl requests`" }],
  options: {
    for: { type: "string", value: "DURATION", help: "for how long, in place of what was asked for" },
    json: JSON_OPTION,
  },
  examples: ["brokerctl approve k3v7qa", "brokerctl approve k3v7qa --for 15m"],
  async run({ options, positionals: [id = ""] }, context) {
    const { client, output, clock } = context;
    const forSeconds = options.for === undefined ? undefined : parseDuration(options.for, "--for");
    const { requests } = await client.call("request-list", {});
    const request = requests.find((each) => each.id === id);
    if (!request) throw new BrokerError("UsageInvalid", `there is no request ${id}`, { hint: "brokerctl requests" });
    const { role, lease, scope } = request;
    const isOpen = request.state === "pending";
    const yes = isOpen ? await confirmRole({ role, target: { by: "request", id }, forSeconds }, context) : {};
    // What is missing shows here, and not inside the program that waits.
    if (isOpen) await withLogin(context, role, () => client.call("warm", { role, ...(scope !== "any" && { scope }) }));
    const approved = await client.call("request-approve", {
      id,
      ...(forSeconds !== undefined && { forSeconds }),
      ...yes,
    });
    if (output.json) {
      output.printJson(requestJson(approved));
      return;
    }
    output.say(`lease ${lease.label} has ${wishText(request)} until ${until(approved.until, clock.now())}`);
    output.hint(`brokerctl deny ${id}    # takes it back`);
  },
});
