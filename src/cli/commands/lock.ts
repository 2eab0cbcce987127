import { defineCommand } from "../command.js";

export const lockCommand = defineCommand({
  name: "lock",
  summary: "Forget the data key and every cached credential",
  details:
    "Programs get StoreLocked until `brokerctl unlock`; also after a restart. What they hold already stays valid.",
  options: {},
  examples: ["brokerctl lock"],
  async run(_, { client, output }) {
    await client.call("lock", {});
    output.say("locked: no credentials are served until `brokerctl unlock`");
  },
});
