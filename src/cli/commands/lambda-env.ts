import { BrokerError } from "../../core/errors.js";
import { directToEndpoint } from "../access/child-environment.js";
import { type Form, leaseVariables } from "../access/lease-variables.js";
import { printChanges, printFailure, SHELL_FORMATS } from "../access/print-changes.js";
import { SCOPE_OPTIONS } from "../access/scope-options.js";
import { parseDuration, parsePid } from "../arguments/argument-values.js";
import { competingFiles } from "../aws-files/competing-files.js";
import { defineCommand, JSON_OPTION, type OptionSpecs, type OptionValues, type Outcome } from "../command.js";
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
import {
  AS_OPTION,
  FUNCTION_OPTIONS,
  FUNCTION_POSITIONAL,
  MODE_DETAILS,
  ROLE_OPTIONS,
} from "../lambda/lambda-options.js";

const OPTIONS = {
  ...ROLE_OPTIONS,
  ...SCOPE_OPTIONS,
  as: { ...AS_OPTION, help: "url (default): one variable; static: the keys themselves, as Lambda sets them" },
  format: { type: "string", choices: SHELL_FORMATS, help: "for which shell or program; default sh" },
  names: {
    type: "boolean",
    help: "print the names of the function's variables, a line each, and no lease and no value",
  },
  diff: {
    type: "string",
    value: "FILE",
    help: "compare the function's variables with those of a .env file or a template (serverless.yml, SAM, CloudFormation, CDK), which names the function, too: no lease and no value",
  },
  json: { ...JSON_OPTION, help: "with --diff or --names: print JSON; errors are one JSON object on stderr" },
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
are printed as they are, secrets among them. The lease ends with --pid, else after --for. On failure stdout holds the unsets and \`false\`.
--names and --diff look and change nothing.${MODE_DETAILS}`,
  positionals: [FUNCTION_POSITIONAL],
  options: OPTIONS,
  exitCodes: ["1 also where --diff finds a difference, which is then on stdout; what is not compared is none"],
  examples: [
    'eval "$(brokerctl lambda env orders-api --pid $$)"    its lease ends with this shell',
    "brokerctl lambda env orders-api --format json          for an IDE or a script",
    "brokerctl lambda env orders-api --names                which variables it has",
    "brokerctl lambda env orders-api --diff .env            what is another there than deployed",
    "brokerctl lambda env orders --diff serverless.yml --stage prod",
    "brokerctl lambda env orders-api --as static --format dotenv > .env.local",
  ],
  async run({ options, positionals: [name = ""] }, context) {
    if (options.names || options.json || options.diff !== undefined) return look(options, name, context);
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
    return undefined;
  },
  onFailure(argv, context) {
    if (!isLooking(argv)) printFailure(argv, context);
  },
});

/** Nothing that a shell evaluates was asked for. */
function isLooking(argv: readonly string[]): boolean {
  return argv.some((word) => word === "--names" || word === "--diff" || word.startsWith("--diff="));
}

/** The function's role need not let anyone in for that. */
async function look(options: OptionValues<typeof OPTIONS>, name: string, context: CliContext): Promise<Outcome> {
  const { names, diff } = options;
  if (!names && diff === undefined) {
    throw new BrokerError("UsageInvalid", "--json goes with --diff or --names", { hint: "--format json" });
  }
  if (names && diff !== undefined) {
    throw new BrokerError("UsageInvalid", "--names and --diff: one of them", { hint: "leave --names out" });
  }
  refuseBeside(options);
  const named = { ...options, name, command: "brokerctl lambda env" };
  if (diff === undefined) return printNames(named, context);
  // Loaded here: `eval` waits for all that is.
  const { printDiff } = await import("../lambda/diff/variables-diff.js");
  return printDiff({ ...named, diff }, context);
}

const BESIDE: readonly string[] = [...Object.keys(FUNCTION_OPTIONS), "json", "names", "diff"];

/** Neither makes a lease or sets anything: a flag that says how would be passed over. */
function refuseBeside(options: Readonly<Record<string, unknown>>): void {
  const flag = options["diff"] === undefined ? "--names" : "--diff";
  const isGiven = (value: unknown): boolean => value !== undefined && value !== false && !isEmptyList(value);
  const beside = Object.keys(options).find((name) => !BESIDE.includes(name) && isGiven(options[name]));
  if (beside === undefined) return;
  throw new BrokerError("UsageInvalid", `${flag} makes no lease: --${beside} does not go with it`, {
    hint: `leave --${beside} out`,
  });
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

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

async function printNames(named: WantedFunction, context: CliContext): Promise<undefined> {
  const { found } = await describedFunction(named, context);
  const names = Object.keys(found.context.variables).sort();
  if (context.output.json) context.output.printJson({ function: found.context.functionName, names });
  else for (const name of names) context.output.print(name);
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
