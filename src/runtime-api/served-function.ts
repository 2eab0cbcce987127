import type { FunctionContext } from "../core/function-context.js";
import type { FunctionPool } from "./function-pool.js";

/** A function that runs here and is asked for by its name. */
export interface ServedFunction {
  readonly context: Pick<FunctionContext, "functionName" | "functionArn" | "version">;
  readonly pool: FunctionPool;
  readonly timeoutMs: number;
}

const ARN_OF_FUNCTION =
  /^(?:arn:aws[a-z-]*:lambda:[a-z0-9-]+:)?(?:\d{12}:)?(?:function:)?([A-Za-z0-9_-]{1,64})(?::[^:]+)?$/;

/** By any name that the API takes, with or without a qualifier: one version of each function runs here. */
export function servedFunction(
  functions: readonly ServedFunction[],
  name: string,
): { readonly named: string; readonly found: ServedFunction | undefined } {
  const named = ARN_OF_FUNCTION.exec(name)?.[1] ?? name;
  return { named, found: functions.find(({ context }) => context.functionName === named) };
}
