import type { StatusView } from "../../control-api/contract.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import type { CliContext } from "../context.js";
import { runningDaemon, startDaemon } from "../daemon/start-daemon.js";
import { warnOfLeftOut } from "./roles.js";

export const startCommand = defineCommand({
  name: "start",
  summary: "Start brokerd in the background",
  details: "Does nothing when it runs already. Other commands start it by themselves.",
  options: { json: JSON_OPTION },
  examples: ["brokerctl start"],
  async run(_, context) {
    const running = await runningDaemon(context);
    sayStarted(running ?? (await startDaemon(context)), running ? "runs already" : "started", context);
  },
});

export function sayStarted({ daemon, leftOut }: StatusView, what: string, { output }: CliContext): void {
  const { pid, endpoint, state, problem } = daemon;
  if (output.json) output.printJson({ pid, endpoint, state });
  output.say(
    `brokerd ${what}: pid ${pid}, ${endpoint === null ? "endpoint not bound" : `endpoint ${endpoint}`}, ${state}`,
  );
  warnOfLeftOut(leftOut, output);
  if (problem) output.warn(problem.message, problem.hint);
  else if (state === "locked") output.hint("brokerctl unlock");
}
