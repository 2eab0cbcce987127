import { quotedReason } from "../../core/access-request.js";
import { visibleText } from "../../core/visible-text.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import { requestJson, wishText } from "../guard/request-views.js";
import { table } from "../terminal/table.js";
import { span, when } from "../terminal/when.js";

export const requestsCommand = defineCommand({
  name: "requests",
  summary: "List what leases ask for: the pending ones, and with --all the decided ones of a day",
  options: { all: { type: "boolean", help: "the decided ones too" }, json: JSON_OPTION },
  examples: [
    "brokerctl requests",
    "brokerctl requests --json | jq -r '.requests[] | select(.state == \"pending\").id'",
  ],
  async run({ options }, { client, output, clock }) {
    const { requests } = await client.call("request-list", {});
    const shown = requests.filter(({ state }) => options.all || state === "pending");
    if (output.json) {
      output.printJson({ requests: (options.all ? requests : shown).map(requestJson) });
      return;
    }
    if (shown.length === 0) {
      output.say(options.all ? "there are no requests" : "no request is pending");
      return;
    }
    const now = clock.now();
    const rows = shown.map(({ id, state, lease, forSeconds, reason, createdAt, ...wish }) => [
      ...[id, state, lease.label, wishText(wish), span(forSeconds * 1000), when(createdAt, now), quotedReason(reason)],
    ]);
    output.print(table(["request", "state", "lease", "role", "for", "made", "reason"], rows, output.screen));
    for (const { id, scope } of shown) {
      if (scope !== "any" && scope.policy !== undefined) output.print(`${id}  policy  ${visibleText(scope.policy)}`);
    }
    if (shown.some(({ state }) => state === "pending")) output.hint("brokerctl approve ID, or brokerctl deny ID");
  },
});
