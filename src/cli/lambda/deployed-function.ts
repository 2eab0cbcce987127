import { statSync } from "node:fs";
import type { ControlResponse } from "../../control-api/contract.js";
import type { LambdaMode } from "../../core/deployed-function.js";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import type { CliContext } from "../context.js";
import { withLogin } from "../login/login.js";
import { absolutePath } from "../working-directory.js";

/** A function as the command line names it. */
export interface NamedFunction {
  readonly name: string;
  readonly via: string | undefined;
  readonly mode: LambdaMode | undefined;
}

export type DeployedFunction = ControlResponse<"lambda-role">;

/** Reads the function and fetches the credentials of its role: what is missing shows here and not inside its code. */
export async function deployedFunction(named: NamedFunction, context: CliContext): Promise<DeployedFunction> {
  const { name, via = null, mode = "assume" } = named;
  const { client, output } = context;
  const found = await withLogin(context, via ?? undefined, () =>
    client.call("lambda-role", { function: name, via, mode }),
  );
  if (found.change !== undefined) output.warn(found.change);
  // What any mode cannot do is in docs/lambda.md; what this one narrows is said each time.
  if (mode === "session-policy") for (const note of found.notes) output.warn(note);
  try {
    await withLogin(context, found.role, () => client.call("warm", { role: found.role }));
  } catch (error) {
    throw mode === "assume" ? explainDenial(error, { name, found }) : error;
  }
  return found;
}

interface Denied {
  readonly name: string;
  readonly found: DeployedFunction;
}

/** Nearly always the role trusts the Lambda service alone. Which of the two ways is right, only a person knows. */
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
