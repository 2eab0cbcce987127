import { defineCommand } from "../command.js";
import { logsCommand } from "./logs.js";

/** The same file, however brokerd was started. */
export const serviceLogsCommand = defineCommand({
  ...logsCommand,
  name: "service logs",
  examples: ["brokerctl service logs -f"],
});
