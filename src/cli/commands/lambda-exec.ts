import { childWords, runChild } from "../access/run-child.js";
import { SCOPE_OPTIONS } from "../access/scope-options.js";
import { defineCommand, type OptionSpecs } from "../command.js";
import { EXEC_EXIT, EXEC_EXIT_TEXT } from "../exit-codes.js";
import { CODE_OPTIONS, LAYERS_OPTION } from "../lambda/code-options.js";
import { withFunction } from "../lambda/deployed-function.js";
import { AS_OPTION, FUNCTION_POSITIONAL, MODE_DETAILS, ROLE_OPTIONS } from "../lambda/lambda-options.js";
import { inLayers, refuseHidden } from "../lambda/layers.js";

const OPTIONS = {
  ...ROLE_OPTIONS,
  ...SCOPE_OPTIONS,
  as: AS_OPTION,
  for: { type: "string", value: "DURATION", help: "the lease ends then, even when CMD still runs" },
  ...CODE_OPTIONS,
  ...LAYERS_OPTION,
} as const satisfies OptionSpecs;

export const lambdaExecCommand = defineCommand({
  name: "lambda exec",
  summary: "Run a command with the role and the variables of a deployed function",
  details: `CMD (default: $SHELL) gets a lease of its own on the function's role, the function's variables and those that Lambda
reserves, minus what would win over the lease.${MODE_DETAILS}`,
  positionals: [FUNCTION_POSITIONAL],
  rest: "CMD…",
  options: OPTIONS,
  examples: [
    "brokerctl lambda exec orders-api --via dev -- node app.js",
    "brokerctl lambda exec orders-api:live -- aws sts get-caller-identity",
    "brokerctl lambda exec orders-api -- npx serverless offline",
    "brokerctl lambda exec orders-api --as static -- sam local invoke",
  ],
  exitCodes: [
    ...EXEC_EXIT_TEXT,
    "(2 for wrong flags, 4 for a missing login and 5 for what a guard or a scope refuses stay as they are)",
  ],
  failureCode: EXEC_EXIT.ownFailure,
  async run({ options, positionals: [name = ""], rest }, context) {
    const command = childWords(rest, context.env, "brokerctl lambda exec FUNCTION -- CMD");
    return withFunction(
      { ...options, name, command: "brokerctl lambda exec" },
      context,
      ({ env, layers, handOverTo }) => {
        if (layers) refuseHidden(command, env);
        const words = layers ? inLayers(command, layers) : command;
        return runChild({ ...words, env, handOverTo }, context);
      },
    );
  },
});
