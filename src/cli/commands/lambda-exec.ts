import { childWords, runChild } from "../access/run-child.js";
import { defineCommand, type OptionSpecs } from "../command.js";
import { EXEC_EXIT } from "../exit-codes.js";
import { withFunction } from "../lambda/deployed-function.js";
import { AS_OPTION, CODE_OPTIONS, FUNCTION_POSITIONAL, MODE_DETAILS, ROLE_OPTIONS } from "../lambda/lambda-options.js";

const OPTIONS = {
  ...ROLE_OPTIONS,
  as: AS_OPTION,
  for: { type: "string", value: "DURATION", help: "the lease ends then, even when CMD still runs" },
  ...CODE_OPTIONS,
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
    "of CMD, when it ran; death by signal is repeated",
    "125 brokerctl itself failed · 126 CMD cannot be run · 127 CMD not found",
    "(2 for wrong flags and 4 for a missing login stay as they are)",
  ],
  failureCode: EXEC_EXIT.ownFailure,
  async run({ options, positionals: [name = ""], rest }, context) {
    const command = childWords(rest, context.env, "brokerctl lambda exec FUNCTION -- CMD");
    return withFunction({ ...options, name }, context, ({ env, handOverTo }) =>
      runChild({ ...command, env, handOverTo }, context),
    );
  },
});
