import type { KeyView } from "../../control-api/contract.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import { keyJson } from "../keys/find-key.js";
import type { Screen } from "../terminal/screen.js";
import { table } from "../terminal/table.js";
import { when } from "../terminal/when.js";

export const keysListCommand = defineCommand({
  name: "keys list",
  summary: "List the long-term keys in the secret store, never the keys themselves",
  options: { json: JSON_OPTION },
  examples: ["brokerctl keys list", "brokerctl keys list --json"],
  async run(_, { client, output, clock }) {
    const { keys } = await client.call("keys-list", {});
    if (output.json) {
      output.printJson({ keys: keys.map(keyJson) });
    } else if (keys.length === 0) {
      output.say("the secret store holds no keys");
      output.hint("brokerctl keys add SOURCE");
    } else {
      output.print(keyTable(keys, clock.now(), output.screen));
    }
  },
});

function keyTable(keys: readonly KeyView[], now: number, screen: Screen): string {
  return table(
    ["source", "key id", "added", "rotated"],
    keys.map((key) => [key.source, `…${key.accessKeyIdSuffix}`, when(key.addedAt, now), when(key.rotatedAt, now)]),
    screen,
  );
}
