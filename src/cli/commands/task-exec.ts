import { childWords, runChild } from "../access/run-child.js";
import { SCOPE_OPTIONS } from "../access/scope-options.js";
import { defineCommand, type OptionSpecs } from "../command.js";
import { EXEC_EXIT, EXEC_EXIT_TEXT } from "../exit-codes.js";
import { REASON_OPTION } from "../guard/confirm-role.js";
import { CODE_OPTIONS } from "../lambda/code-options.js";
import { AS_OPTION, REGION_OPTION } from "../lambda/lambda-options.js";
import { withTask } from "../task/deployed-task.js";
import { TASK_POSITIONAL, TASK_VIA_OPTION } from "../task/task-options.js";

const OPTIONS = {
  container: { type: "string", value: "NAME", help: "which one of the task; default the only, or only essential one" },
  via: TASK_VIA_OPTION,
  region: REGION_OPTION,
  reason: REASON_OPTION,
  ...SCOPE_OPTIONS,
  as: AS_OPTION,
  for: { type: "string", value: "DURATION", help: "the lease ends then, even when CMD still runs" },
  set: CODE_OPTIONS.set,
} as const satisfies OptionSpecs;

export const taskExecCommand = defineCommand({
  name: "task exec",
  summary: "Run a command with the task role and the variables of a container of ECS or Fargate",
  details: `CMD (default: $SHELL) gets a lease of its own on the task's role and the container's variables, minus what would win over the
lease. Its secrets and environmentFiles are named and not fetched. The role is assumed with the credentials of --via, which its trust
policy must allow (\`brokerctl task trust\`).`,
  positionals: [TASK_POSITIONAL],
  rest: "CMD…",
  options: OPTIONS,
  examples: [
    "brokerctl task exec orders --via dev -- node server.js",
    "brokerctl task exec orders:12 --container api -- aws sts get-caller-identity",
    "brokerctl task exec orders --set DB_PASSWORD=local -- npm run dev",
  ],
  exitCodes: [
    ...EXEC_EXIT_TEXT,
    "(2 for wrong flags, 4 for a missing login and 5 for what a guard or a scope refuses stay as they are)",
  ],
  failureCode: EXEC_EXIT.ownFailure,
  async run({ options, positionals: [name = ""], rest }, context) {
    const command = childWords(rest, context.env, "brokerctl task exec FAMILY -- CMD");
    return withTask({ ...options, name }, context, ({ env, handOverTo }) =>
      runChild({ ...command, env, handOverTo }, context),
    );
  },
});
