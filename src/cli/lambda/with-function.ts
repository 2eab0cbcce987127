import { applyChanges, functionVariables } from "../access/child-variables.js";
import type { Form } from "../access/lease-variables.js";
import { withOwnLease } from "../access/own-lease.js";
import { parseDuration } from "../arguments/duration.js";
import type { CliContext } from "../context.js";
import { type DeployedFunction, deployedFunction, type NamedFunction, taskRoot } from "./deployed-function.js";
import { functionChanges } from "./function-changes.js";

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
  readonly onStart: (pid: number) => Promise<void>;
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
  return withOwnLease({ role: found.role, forSeconds, form }, context, async ({ set, onStart }) => {
    const granted = { ...set, ...(await functionVariables(context)) };
    const changes = functionChanges({ function: found.context, granted, taskRoot: root }, context);
    return use({ ...found, env: applyChanges(context.env, changes), taskRoot: root, onStart });
  });
}
