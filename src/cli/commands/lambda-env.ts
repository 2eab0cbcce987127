import { directToEndpoint } from "../access/child-environment.js";
import { type Form, leaseVariables } from "../access/lease-variables.js";
import { printChanges, printFailure, SHELL_FORMATS } from "../access/print-changes.js";
import { parseDuration } from "../arguments/argument-values.js";
import { competingFiles } from "../aws-files/competing-files.js";
import { defineCommand, type OptionSpecs } from "../command.js";
import type { CliContext } from "../context.js";
import type { Confirmed } from "../guard/confirm-role.js";
import { deployedFunction, taskRoot } from "../lambda/deployed-function.js";
import { functionChanges } from "../lambda/function-changes.js";
import { AS_OPTION, CODE_OPTIONS, FUNCTION_POSITIONAL, MODE_DETAILS, ROLE_OPTIONS } from "../lambda/lambda-options.js";

const OPTIONS = {
  ...ROLE_OPTIONS,
  as: { ...AS_OPTION, help: "url (default): one variable; static: the keys themselves, as Lambda sets them" },
  format: { type: "string", choices: SHELL_FORMATS, help: "for which shell or program; default sh" },
  for: { type: "string", value: "DURATION", help: "of a guarded role: the yes ends then" },
  ...CODE_OPTIONS,
} as const satisfies OptionSpecs;

export const lambdaEnvCommand = defineCommand({
  name: "lambda env",
  summary: "Print what to eval so that programs of this shell run as a deployed function",
  details: `A lease pinned to the function's role, the function's variables and those that Lambda reserves. The function's variables
are printed as they are, secrets among them. On failure stdout holds the unsets and \`false\`.${MODE_DETAILS}`,
  positionals: [FUNCTION_POSITIONAL],
  options: OPTIONS,
  examples: [
    'eval "$(brokerctl lambda env orders-api --via dev)"',
    "brokerctl lambda env orders-api --format json          for an IDE or a script",
    "brokerctl lambda env orders-api --as static --format dotenv > .env.local",
  ],
  async run({ options, positionals: [name = ""] }, context) {
    const { as = "url", format = "sh", "task-root": root } = options;
    const place = taskRoot(root, context);
    const forSeconds = options.for === undefined ? undefined : parseDuration(options.for, "--for");
    const {
      role,
      context: described,
      confirmation,
    } = await deployedFunction({ ...options, forSeconds, name }, context);
    const yes = confirmation === undefined ? {} : { confirmation };
    const beside = { ...(await competingFiles(context)).files, ...directToEndpoint(context.env) };
    const granted = { ...(await leaseSet({ role, form: as, ...yes }, context)), ...beside };
    const changes = functionChanges({ function: described, granted, taskRoot: place }, context);
    printChanges({ changes, format, command: `brokerctl lambda env ${name}` }, context);
  },
  onFailure: printFailure,
});

interface WantedSet extends Confirmed {
  readonly role: string;
  readonly form: Form;
}

async function leaseSet({ role, form, ...yes }: WantedSet, context: CliContext): Promise<Record<string, string>> {
  if (form !== "static") {
    const access = await context.client.call("lease-access", { pinnedRole: role, ...yes });
    return leaseVariables(access, form, context.paths().stateDir);
  }
  const { staticVariables } = await import("../access/fetch-credentials.js");
  return staticVariables(context, role, yes);
}
