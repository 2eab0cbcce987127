import type { FunctionContext } from "../../core/function-context.js";
import { functionEnvironment } from "../../runtime-api/function-environment.js";
import { changesFor, type VariableChanges } from "../access/variables.js";
import type { CliContext } from "../context.js";
import { refuseAgainstLease, sortedVariables, tellLeftOut } from "./deployed-variables.js";

export interface FunctionChangesOptions {
  readonly function: FunctionContext;
  /** What points to the lease, and what stands beside it. */
  readonly granted: Readonly<Record<string, string>>;
  readonly taskRoot: string;
  /** `/opt` is there. */
  readonly hasLayers: boolean;
  /** What the user sets over all of it. */
  readonly set: Readonly<Record<string, string>>;
}

/** The lease, the function's variables and Lambda's reserved ones; what must be left out is told. */
export function functionChanges(options: FunctionChangesOptions, context: CliContext): VariableChanges {
  const { granted, taskRoot, hasLayers, set: given } = options;
  const { usable, competing, local } = sortedVariables(options.function.variables);
  const lease = changesFor(granted, { ...context.env, ...usable, ...given });
  refuseAgainstLease(Object.keys(given), lease);
  const { set, withheld } = functionEnvironment(
    { ...options.function, variables: usable },
    // Without a PATH of the function's own, this machine's stays as it is and need not be said.
    {
      taskRoot,
      lease,
      localPath: usable["PATH"] === undefined && !hasLayers ? undefined : context.env["PATH"],
      besideLayers: hasLayers ? context.env : undefined,
      clock: context.clock,
    },
  );
  tellLeftOut("function", { competing: [...withheld, ...competing], local }, context);
  return { set: { ...set, ...given }, unset: lease.unset };
}
