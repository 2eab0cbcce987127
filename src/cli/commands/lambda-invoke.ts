import { SCOPE_OPTIONS } from "../access/scope-options.js";
import { defineCommand, type OptionSpecs } from "../command.js";
import type { CliContext } from "../context.js";
import { CODE_OPTIONS, DEBUG_OPTIONS, debuggingOf, LAYERS_OPTION } from "../lambda/code-options.js";
import { withFunction } from "../lambda/deployed-function.js";
import { AS_OPTION, FUNCTION_POSITIONAL, MODE_DETAILS, ROLE_OPTIONS, timeoutMsOf } from "../lambda/lambda-options.js";
import { clientContext, readEvent, readLambdaInput } from "../lambda/read-input.js";
import { runLocally, untilInterrupted } from "../lambda/run-locally.js";

const OPTIONS = {
  event: {
    type: "string",
    value: "FILE|-|JSON|sample:NAME",
    help: "the event as JSON: a file, stdin, the text itself, or a sample of `lambda event`; default {}",
  },
  timeout: { type: "string", value: "SECONDS", help: "default the function's own" },
  "client-context": { type: "string", value: "FILE", help: "the ClientContext of the invocation, a JSON object" },
  ...ROLE_OPTIONS,
  ...SCOPE_OPTIONS,
  as: AS_OPTION,
  for: { type: "string", value: "DURATION", help: "the lease ends then, even when the handler still runs" },
  ...CODE_OPTIONS,
  ...LAYERS_OPTION,
  ...DEBUG_OPTIONS,
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
    "brokerctl lambda invoke orders-api --event '{\"id\":7}' --set TABLE=orders-local",
    "brokerctl lambda invoke orders-api --event sample:s3-put",
    "brokerctl lambda invoke orders-api --inspect-brk",
    "brokerctl lambda invoke orders-go --task-root build -- ./build/bootstrap",
  ],
  exitCodes: [
    "0 the handler answered · 1 it failed, timed out or ended; its error document is on stdout",
    "126 the runtime cannot be run · 127 the runtime is not found",
  ],
  async run({ options, positionals: [name = ""], rest: command }, context) {
    const wanted = {
      event: await readEvent(options.event, context),
      clientContext: await clientContextOf(options["client-context"], context),
      timeoutMs: timeoutMsOf(options.timeout),
      debugging: debuggingOf(options),
      command,
    };
    return withFunction({ ...options, name, command: "brokerctl lambda invoke" }, context, (local) =>
      untilInterrupted((signal) => runLocally(local, { ...wanted, signal }, context)),
    );
  },
});

async function clientContextOf(path: string | undefined, context: CliContext): Promise<string | undefined> {
  return path === undefined ? undefined : clientContext(await readLambdaInput(path, context));
}
