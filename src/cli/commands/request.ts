import type { RequestView } from "../../control-api/guard-contract.js";
import { BrokerError } from "../../core/errors.js";
import { SCOPE_OPTIONS, scopeOfFlags } from "../access/scope-options.js";
import { parseDuration } from "../arguments/argument-values.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import type { CliContext } from "../context.js";
import { requestJson, wishText } from "../guard/request-views.js";
import { until } from "../terminal/when.js";

export const requestCommand = defineCommand({
  name: "request",
  summary: "Ask a person for a role, for the lease of this shell's variables",
  details: `What is granted widens that lease in place, at the same URL, until it ends; then the lease has its own role again. Without
--wait the id of the request is printed, and the exit code is 5: its user runs \`brokerctl approve ID\`. Rules in the config
(\`requests:\`) may decide at once. The flags that narrow ask for no more than that; without them it is all of ROLE, also where the lease is
narrowed. \`brokerctl use -\` gives back what was granted.`,
  positionals: [{ name: "ROLE", required: true, help: "a role of the config" }],
  options: {
    ...SCOPE_OPTIONS,
    reason: { type: "string", value: "TEXT", help: "why; shown to who decides, and on record" },
    for: {
      type: "string",
      value: "DURATION",
      help: "for how long, e.g. 30m; default and most: what the rule says, else 1h",
    },
    wait: { type: "boolean", help: "until it is decided: exit code 0 when it is granted" },
    json: JSON_OPTION,
  },
  examples: [
    "brokerctl request prod --reason 'rotate the key of ticket 4711' --for 30m",
    "brokerctl request prod --read-only --reason 'look at the logs of ticket 4711'",
    "brokerctl request prod --reason deploy --wait && terraform apply",
  ],
  async run({ options, positionals: [role = ""] }, context) {
    const { reason, wait, for: duration } = options;
    if (reason === undefined) {
      throw new BrokerError("UsageInvalid", "a request needs a reason: it is what a person decides by", {
        hint: `brokerctl request ${role} --reason TEXT`,
      });
    }
    const forSeconds = duration === undefined ? undefined : parseDuration(duration, "--for");
    const scope = await scopeOfFlags(options, context);
    const made = await context.client.call("request-create", {
      ...{ role, reason },
      ...(scope && { scope }),
      ...(forSeconds !== undefined && { forSeconds }),
    });
    tell(made.state === "pending" && wait ? await waited(made, context) : made, context);
  },
});

async function waited({ id, ...wish }: RequestView, { client, output }: CliContext): Promise<RequestView> {
  output.say(`waiting for request ${id}: its user runs brokerctl approve ${id}`);
  return output.progress.during(`waiting for request ${id} for ${wishText(wish)}`, () =>
    client.call("request-wait", { id }),
  );
}

function tell(request: RequestView, { output, clock }: CliContext): void {
  const { id, role, state } = request;
  const wish = wishText(request);
  if (state === "approved") {
    if (output.json) return output.printJson(requestJson(request));
    return output.say(`granted: ${wish} until ${until(request.until, clock.now())}, at the same URL`);
  }
  // For who waits by itself: the id alone.
  if (!output.json && state === "pending") output.print(id);
  else if (output.json) output.printJson(requestJson(request));
  if (state === "pending") {
    throw new BrokerError("RequestPending", `request ${id} for ${wish} waits for a person`, {
      hint: `brokerctl approve ${id}    # by its user; or wait for it: brokerctl request ${role} … --wait`,
    });
  }
  throw new BrokerError("RequestDenied", `request ${id} for ${wish} is ${state}`, { hint: "brokerctl requests" });
}
