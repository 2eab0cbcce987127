import type { Lambda } from "../aws/lambda.js";
import { toBrokerError } from "../core/errors.js";
import { parseFunctionName } from "./function-name.js";
import { type ReadFunction, readFunctionRole } from "./function-reader.js";
import { accountOf, type Via } from "./via.js";

interface Asked {
  /** As the user typed it. */
  readonly functionText: string;
  readonly read: ReadFunction;
}

/** What a function is called in the name of the role of its code, and which ARN stands for it. */
interface NamedFunction {
  readonly text: string;
  readonly arn: string;
}

/**
 * One name for a function however it is spelled: NAME where it is looked for by its name alone (in the account and region of `via`), else
 * its ARN, since the same name elsewhere is another function. An alias or a version has a name of its own only where its code runs with
 * another role than the function itself; whether it does is asked of Lambda, and where that may not be known it has.
 */
export async function nameOfFunction(lambda: Lambda, via: Via, { functionText, read }: Asked): Promise<NamedFunction> {
  const { reference, name, accountId } = parseFunctionName(functionText);
  const { region, functionArn } = read.context;
  const arn = functionArn.split(":").slice(0, ARN_PARTS).join(":");
  const own = accountOf(via.role) ?? via.signer.accountId;
  const isHere = region === via.role.region && (accountId === undefined || accountId === own);
  const text = isHere ? name : arn;
  const { qualifier = LATEST } = reference;
  if (qualifier === LATEST || (await roleOf(lambda, via, arn)) === read.roleArn) return { text, arn };
  return { text: `${text}:${qualifier}`, arn: `${arn}:${qualifier}` };
}

const LATEST = "$LATEST";
/** Of an ARN without qualifier. */
const ARN_PARTS = 7;

/** Of the function itself; undefined: the caller may read the alias or version alone. */
async function roleOf(lambda: Lambda, via: Via, arn: string): Promise<string | undefined> {
  try {
    return (await readFunctionRole(lambda, via, arn)).roleArn;
  } catch (thrown) {
    const error = toBrokerError(thrown);
    if (error.code === "AccessDenied" || error.code === "NotFound") return undefined;
    throw error;
  }
}
