import { BrokerError } from "../../core/errors.js";
import { directToEndpoint } from "../access/child-environment.js";
import { type Form, leaseVariables } from "../access/lease-variables.js";
import { printChanges, printFailure, SHELL_FORMATS } from "../access/print-changes.js";
import { SCOPE_OPTIONS } from "../access/scope-options.js";
import { parseDuration, parsePid } from "../arguments/argument-values.js";
import { competingFiles } from "../aws-files/competing-files.js";
import { defineCommand, type OptionSpecs } from "../command.js";
import type { CliContext } from "../context.js";
import type { NarrowedTerms } from "../guard/confirm-role.js";
import { assignments, CODE_OPTIONS } from "../lambda/code-options.js";
import {
  deployedFunction,
  describedFunction,
  taskRoot,
  type WantedFunction,
  withHandler,
} from "../lambda/deployed-function.js";
import { functionChanges } from "../lambda/function-changes.js";
import { AS_OPTION, FUNCTION_POSITIONAL, MODE_DETAILS, ROLE_OPTIONS } from "../lambda/lambda-options.js";

const OPTIONS = {
  ...ROLE_OPTIONS,
  ...SCOPE_OPTIONS,
  as: { ...AS_OPTION, help: "url (default): one variable; static: the keys themselves, as Lambda sets them" },
  format: { type: "string", choices: SHELL_FORMATS, help: "for which shell or program; default sh" },
  names: {
    type: "boolean",
    help: "print the names of the function's variables, a line each, and no lease and no value",
  },
  pid: { type: "string", value: "PID", help: "the lease ends with this process, usually $$" },
  for: {
    type: "string",
    value: "DURATION",
    help: "the lease ends then; default 12h, with --pid none; of a guarded role, the yes",
  },
  ...CODE_OPTIONS,
} as const satisfies OptionSpecs;

export const lambdaEnvCommand = defineCommand({
  name: "lambda env",
  summary: "Print what to eval so that programs of this shell run as a deployed function",
  details: `A lease pinned to the function's role, the function's variables and those that Lambda reserves. The function's variables
are printed as they are, secrets among them. The lease ends with --pid, else after --for. On failure stdout holds the unsets and \`false\`.${MODE_DETAILS}`,
  positionals: [FUNCTION_POSITIONAL],
  options: OPTIONS,
  examples: [
    'eval "$(brokerctl lambda env orders-api --pid $$)"    its lease ends with this shell',
    "brokerctl lambda env orders-api --format json          for an IDE or a script",
    "brokerctl lambda env orders-api --names                which variables it has",
    "brokerctl lambda env orders-api --as static --format dotenv > .env.local",
  ],
  async run({ options, positionals: [name = ""] }, context) {
    if (options.names) return printNames({ ...options, name, command: "brokerctl lambda env" }, context);
    const { as = "url", format = "sh", "task-root": root, handler } = options;
    const place = taskRoot(root, context);
    const set = assignments(options.set);
    const { forSeconds, pid } = endOf(options);
    const {
      role,
      context: described,
      confirmation,
      scope,
    } = await deployedFunction({ ...options, forSeconds, name, command: "brokerctl lambda env" }, context);
    const terms = { ...(confirmation !== undefined && { confirmation }), ...(scope && { scope }) };
    const beside = { ...(await competingFiles(context)).files, ...directToEndpoint(context.env) };
    const granted = { ...(await leaseSet({ role, form: as, pid, forSeconds, ...terms }, context)), ...beside };
    const wanted = { function: withHandler(described, handler), granted, taskRoot: place, hasLayers: false, set };
    const changes = functionChanges(wanted, context);
    printChanges({ changes, format, command: `brokerctl lambda env ${name}` }, context);
  },
  onFailure: printFailure,
});

interface EndFlags {
  readonly for: string | undefined;
  readonly pid: string | undefined;
  readonly as: Form | undefined;
}

/** When the lease is to end. */
function endOf({ for: duration, pid: text, as }: EndFlags): Pick<WantedSet, "forSeconds" | "pid"> {
  const forSeconds = duration === undefined ? undefined : parseDuration(duration, "--for");
  const pid = text === undefined ? undefined : parsePid(text, "brokerctl lambda env FUNCTION --pid $$");
  if (pid !== undefined && as === "static") throw leavesNone();
  return { forSeconds, pid };
}

/** The function's role need not let anyone in for that. */
async function printNames(named: WantedFunction, context: CliContext): Promise<undefined> {
  const { found } = await describedFunction(named, context);
  for (const name of Object.keys(found.context.variables).sort()) context.output.print(name);
}

interface WantedSet extends NarrowedTerms {
  readonly role: string;
  readonly form: Form;
  readonly pid: number | undefined;
  readonly forSeconds: number | undefined;
}

function leavesNone(): BrokerError {
  return new BrokerError("UsageInvalid", "--as static prints keys and leaves no lease: --pid has nothing to end", {
    hint: "--as url",
  });
}

async function leaseSet(
  { role, form, pid, forSeconds, ...terms }: WantedSet,
  context: CliContext,
): Promise<Record<string, string>> {
  if (form !== "static") {
    const { client } = context;
    const wanted = { ...(forSeconds !== undefined && { forSeconds }), ...terms };
    const access = await (pid === undefined
      ? client.call("lease-access", { pinnedRole: role, ...wanted })
      : client.call("lease-child", { role, pid, ...wanted }));
    return leaseVariables(access, form, context.paths().stateDir);
  }
  const { staticVariables } = await import("../access/fetch-credentials.js");
  return staticVariables(context, role, terms);
}
