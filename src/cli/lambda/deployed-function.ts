import { statSync } from "node:fs";
import type { ControlResponse } from "../../control-api/contract.js";
import type { LambdaMode } from "../../core/deployed-function.js";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import { directToEndpoint, withChanges } from "../access/child-environment.js";
import type { Form } from "../access/lease-variables.js";
import { withOwnLease } from "../access/own-lease.js";
import { absolutePath, parseDuration } from "../arguments/argument-values.js";
import { neutralAwsFiles } from "../aws-files/neutral-aws-files.js";
import type { CliContext } from "../context.js";
import { type Confirmed, confirmRole } from "../guard/confirm-role.js";
import { withLogin } from "../login/login.js";
import { functionChanges } from "./function-changes.js";

/** A function as the command line names it. */
export interface NamedFunction {
  readonly name: string;
  readonly via: string | undefined;
  readonly mode: LambdaMode | undefined;
  readonly reason: string | undefined;
  readonly forSeconds?: number | undefined;
}

export type DeployedFunction = ControlResponse<"lambda-role"> & Confirmed;

export interface FunctionRun extends NamedFunction {
  readonly for: string | undefined;
  readonly as: Form | undefined;
  readonly "task-root": string | undefined;
}

/** What the function's code runs with, here. */
export interface LocalFunction extends DeployedFunction {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly taskRoot: string;
  /** To be called when a child exists that the lease shall end with. */
  readonly handOverTo: (pid: number) => Promise<void>;
}

/** Runs `use` with a lease on the function's role and the function's environment; the lease ends with it. */
export async function withFunction<T>(
  wanted: FunctionRun,
  context: CliContext,
  use: (local: LocalFunction) => Promise<T>,
): Promise<T> {
  const { for: duration, as: form = "header" } = wanted;
  const root = taskRoot(wanted["task-root"], context);
  const forSeconds = duration === undefined ? undefined : parseDuration(duration, "--for");
  const found = await deployedFunction(wanted, context);
  return withOwnLease({ role: found.role, forSeconds, form }, context, async ({ variables, handOverTo }) => {
    // Not the settings of `[default]`: on AWS a function has no `~/.aws` of ours.
    const { files } = await neutralAwsFiles(context);
    const granted = { ...variables, ...files, ...directToEndpoint(context.env) };
    const changes = functionChanges({ function: found.context, granted, taskRoot: root }, context);
    return use({ ...found, env: withChanges(context.env, changes), taskRoot: root, handOverTo });
  });
}

/** Reads the function and fetches the credentials of its role: what is missing shows here and not inside its code. */
export async function deployedFunction(named: NamedFunction, context: CliContext): Promise<DeployedFunction> {
  const { name, via = null, mode = "assume", forSeconds, reason } = named;
  const { client, output } = context;
  const asked = { target: { by: "new" }, forSeconds, reason } as const;
  const yes = await confirmRole({ ...asked, role: via }, context);
  const found = await withLogin(context, via ?? undefined, () =>
    client.call("lambda-role", { function: name, via, mode, ...yes }),
  );
  if (found.change !== undefined) output.warn(found.change);
  // What any mode cannot do is in docs/lambda.md; what this one narrows is said each time.
  if (mode === "session-policy") for (const note of found.notes) output.warn(note);
  try {
    await withLogin(context, found.role, () => client.call("warm", { role: found.role }));
  } catch (error) {
    throw mode === "assume" ? explainDenial(error, { name, found }) : error;
  }
  if (found.confirmation !== undefined) return found;
  return { ...found, ...(await confirmRole({ ...asked, role: found.role }, context)) };
}

interface Denied {
  readonly name: string;
  readonly found: DeployedFunction;
}

/** Nearly always the role trusts the Lambda service alone. Which of the two ways is right, only the user knows. */
function explainDenial(error: unknown, { name, found: { via, functionRoleArn } }: Denied): unknown {
  if (!(error instanceof BrokerError) || error.code !== "AssumeRoleDenied") return error;
  const message = `the trust policy of ${functionRoleArn} does not let ${via} assume it, or the role was deleted: ${error.message}`;
  return new BrokerError("AssumeRoleDenied", message, {
    hint: `brokerctl lambda trust ${name} --via ${via}    # what would have to be added; or without it: --mode session-policy --via ROLE`,
    cause: error,
  });
}

/** The absolute directory of the function's code: `--task-root`, else the current one. */
export function taskRoot(given: string | undefined, context: CliContext): string {
  const path = absolutePath(given ?? ".", context);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  throw new BrokerError("UsageInvalid", `--task-root is no directory: ${path}`, { hint: `ls -ld ${shellQuote(path)}` });
}
