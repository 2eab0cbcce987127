import { BrokerError } from "../../core/errors.js";
import { parseEvent } from "../../runtime-api/event.js";
import { parseDuration } from "../arguments/argument-values.js";
import { defineCommand, type OptionSpecs } from "../command.js";
import type { CliContext } from "../context.js";
import { withFunction } from "../lambda/deployed-function.js";
import { AS_OPTION, CODE_OPTIONS, FUNCTION_POSITIONAL, MODE_DETAILS, ROLE_OPTIONS } from "../lambda/lambda-options.js";
import { clientContext, readInput } from "../lambda/read-input.js";
import { runLocally, untilInterrupted } from "../lambda/run-locally.js";

const OPTIONS = {
  event: { type: "string", value: "FILE|-", help: "the event as JSON; - reads stdin; default {}" },
  timeout: { type: "string", value: "SECONDS", help: "default the function's own" },
  "client-context": { type: "string", value: "FILE", help: "the ClientContext of the invocation, a JSON object" },
  ...ROLE_OPTIONS,
  as: AS_OPTION,
  for: { type: "string", value: "DURATION", help: "the lease ends then, even when the handler still runs" },
  ...CODE_OPTIONS,
} as const satisfies OptionSpecs;

export const lambdaInvokeCommand = defineCommand({
  name: "lambda invoke",
  summary: "Run the handler of a deployed function from local code, once",
  details: `The code in the current directory (--task-root) gets one event through the Lambda Runtime API, with the function's role,
variables, handler and timeout. Node and Python handlers need nothing installed; CMD is any other runtime interface client,
as a custom runtime's bootstrap. The result goes to stdout; logs and the REPORT line go to stderr.${MODE_DETAILS}`,
  positionals: [FUNCTION_POSITIONAL],
  rest: "CMD…",
  options: OPTIONS,
  examples: [
    "brokerctl lambda invoke orders-api --via dev --event order.json",
    "echo '{\"id\":7}' | brokerctl lambda invoke orders-api --event - --timeout 60",
    "brokerctl lambda invoke orders-go --task-root build -- ./build/bootstrap",
  ],
  exitCodes: [
    "0 the handler answered · 1 it failed, timed out or ended; its error document is on stdout",
    "126 the runtime cannot be run · 127 the runtime is not found",
  ],
  async run({ options, positionals: [name = ""], rest: command }, context) {
    const wanted = {
      event: await eventOf(options.event, context),
      clientContext: await clientContextOf(options["client-context"], context),
      timeoutMs: options.timeout === undefined ? undefined : secondsOf(options.timeout) * 1000,
      command,
    };
    return withFunction({ ...options, name }, context, (local) =>
      untilInterrupted((signal) => runLocally(local, { ...wanted, signal }, context)),
    );
  },
});

async function eventOf(path: string | undefined, context: CliContext): Promise<Buffer> {
  const { bytes, name } = path === undefined ? { bytes: Buffer.of(), name: "" } : await readInput(path, context);
  return parseEvent(bytes, name);
}

async function clientContextOf(path: string | undefined, context: CliContext): Promise<string | undefined> {
  return path === undefined ? undefined : clientContext(await readInput(path, context));
}

/** Lambda ends at 15 minutes; a user in a debugger may take longer. Timers of more than 24 days would fire at once. */
const MAX_TIMEOUT_SECONDS = 86_400;

function secondsOf(text: string): number {
  const seconds = /^[1-9]\d*$/.test(text) ? Number(text) : parseDuration(text, "--timeout");
  if (seconds <= MAX_TIMEOUT_SECONDS) return seconds;
  throw new BrokerError("UsageInvalid", `--timeout must be at most a day, not '${text}'`, {
    hint: `--timeout ${MAX_TIMEOUT_SECONDS}`,
  });
}
