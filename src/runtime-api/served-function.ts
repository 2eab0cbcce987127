import type { FunctionContext } from "../core/function-context.js";
import type { FunctionCaller } from "./calls-to-aws.js";
import type { FunctionPool } from "./function-pool.js";

/** A function that runs here and is asked for by its name. */
export interface ServedFunction {
  readonly context: Pick<FunctionContext, "functionName" | "functionArn" | "version">;
  readonly pool: FunctionPool;
  readonly timeoutMs: number;
  /** By what its own calls are known; without it none goes on to AWS. */
  readonly caller?: FunctionCaller | undefined;
}

const FORM =
  /^(?:arn:aws[a-z-]*:lambda:(?<region>[a-z0-9-]+):)?(?:(?<account>\d{12}):)?(?:function:)?(?<name>[A-Za-z0-9_-]{1,64})(?::[^:]+)?$/;

/**
 * By any name that the API takes, with or without a qualifier: one version of each function runs here. One of another account or region
 * is another function.
 */
export function servedFunction(functions: readonly ServedFunction[], text: string): ServedFunction | undefined {
  const { name, region, account } = FORM.exec(text)?.groups ?? {};
  return functions.find(({ context }) => {
    const isThere = (region ?? regionOf(context)) === regionOf(context);
    return context.functionName === name && isThere && (account ?? accountOf(context)) === accountOf(context);
  });
}

type Named = ServedFunction["context"];

export function regionOf({ functionArn }: Named): string | undefined {
  return functionArn.split(":")[3];
}

function accountOf({ functionArn }: Named): string | undefined {
  return functionArn.split(":")[4];
}
