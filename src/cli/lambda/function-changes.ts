import type { FunctionContext } from "../../core/function-context.js";
import { functionEnvironment } from "../../runtime-api/function-environment.js";
import { changesFor, type VariableChanges } from "../aws-variables.js";
import type { CliContext } from "../context.js";

export interface FunctionChangesOptions {
  readonly function: FunctionContext;
  /** What points to the lease, and what stands beside it. */
  readonly granted: Readonly<Record<string, string>>;
  readonly taskRoot: string;
}

/** What no shell and no child could hold; Lambda takes none of them. */
const NAME_PATTERN = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** The lease, the function's variables and Lambda's reserved ones; what must be left out is told. */
export function functionChanges(options: FunctionChangesOptions, context: CliContext): VariableChanges {
  const { granted, taskRoot } = options;
  const { usable, unusable } = sorted(options.function.variables);
  const lease = changesFor(granted, { ...context.env, ...usable });
  const { set, withheld } = functionEnvironment(
    { ...options.function, variables: usable },
    // Without a PATH of the function's own, this machine's stays as it is and need not be said.
    {
      taskRoot,
      lease,
      localPath: usable["PATH"] === undefined ? undefined : context.env["PATH"],
      clock: context.clock,
    },
  );
  const leftOut = [...withheld, ...unusable];
  if (leftOut.length > 0) {
    context.output.warn(`left out of the function's variables, as they would win over its lease: ${leftOut.join(" ")}`);
  }
  return { set, unset: lease.unset };
}

function sorted(variables: FunctionContext["variables"]): {
  readonly usable: Record<string, string>;
  readonly unusable: readonly string[];
} {
  const entries = Object.entries(variables);
  const usable = entries.filter(([name]) => NAME_PATTERN.test(name));
  const unusable = entries.filter(([name]) => !NAME_PATTERN.test(name)).map(([name]) => JSON.stringify(name));
  return { usable: Object.fromEntries(usable), unusable };
}
