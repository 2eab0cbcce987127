import { defineCommand, JSON_OPTION } from "../command.js";
import { table } from "../terminal/table.js";
import { sourceJson } from "../terminal/views.js";
import { when } from "../terminal/when.js";
import { warnOfLeftOut } from "./roles.js";

export const sourceListCommand = defineCommand({
  name: "source list",
  summary: "List the sources of the config, their state, and how many roles each signs for",
  options: { json: JSON_OPTION },
  examples: ["brokerctl source list", "brokerctl source list --json | jq -r '.[].name'"],
  async run(_, { client, output, clock }) {
    const { sources, roles, leftOut } = await client.call("status", {});
    const countOf = (source: string): number => roles.filter((role) => role.source === source).length;
    if (output.json) {
      output.printJson(sources.map((source) => ({ ...sourceJson(source), roles: countOf(source.name) })));
      return;
    }
    if (sources.length === 0) output.say("no sources yet: brokerctl source add --help");
    else {
      const rows = sources.map(({ name, type, state, expiresAt }) => [
        name,
        type,
        state,
        when(expiresAt, clock.now()),
        String(countOf(name)),
      ]);
      output.print(table(["source", "type", "state", "ends", "roles"], rows, output.screen));
    }
    warnOfLeftOut(leftOut, output);
  },
});
