import type { FunctionCode, FunctionConfiguration, FunctionReference, Lambda } from "../aws/lambda.js";
import type { SigningCredentials } from "../core/credentials.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import type { FunctionContext } from "../core/function-context.js";
import { type FunctionName, parseFunctionName } from "./function-name.js";
import { nearFunctions } from "./near-functions.js";
import { accountOf, regionOfNamed, type Via } from "./via.js";

export interface ReadFunction {
  readonly context: FunctionContext;
  /** Of the role that its code runs with. */
  readonly roleArn: string;
  readonly isImage: boolean;
}

/**
 * Reads a deployed function with the credentials of `via`, in the region of its ARN, else in that of `via`: the one it is given,
 * else its role's (which has the config's default already, as far as it fits the role's partition). UsageInvalid, NotFound, AccessDenied.
 */
export async function readFunction(lambda: Lambda, via: Via, functionText: string): Promise<ReadFunction> {
  const { configuration, region } = await configurationOf(lambda, via, functionText);
  // Code without them would be another program.
  if (configuration.variablesRefused) throw configuration.variablesRefused;
  return { context: contextOf(configuration, region), roleArn: configuration.roleArn, isImage: configuration.isImage };
}

/** Its name and its role alone, which can be read without leave to decrypt the variables. */
export async function readFunctionRole(
  lambda: Lambda,
  via: Via,
  functionText: string,
): Promise<Pick<FunctionConfiguration, "functionName" | "roleArn">> {
  const { functionName, roleArn } = (await configurationOf(lambda, via, functionText)).configuration;
  return { functionName, roleArn };
}

/** Its code and layers, where they are for the next ten minutes. */
export async function readFunctionCode(
  lambda: Lambda,
  via: Via,
  functionText: string,
): Promise<{ readonly code: FunctionCode; readonly region: string }> {
  const asked = askedFor(via, functionText);
  return { code: await ask(lambda, asked, (...of) => lambda.getFunctionCode(...of)), region: asked.region };
}

interface Found {
  readonly configuration: FunctionConfiguration;
  readonly region: string;
}

async function configurationOf(lambda: Lambda, via: Via, functionText: string): Promise<Found> {
  const asked = askedFor(via, functionText);
  const configuration = await ask(lambda, asked, (...of) => lambda.getFunctionConfiguration(...of));
  return { configuration, region: asked.region };
}

interface Asked {
  readonly via: Via;
  readonly name: FunctionName;
  readonly region: string;
}

function askedFor(via: Via, functionText: string): Asked {
  const name = parseFunctionName(functionText);
  return { via, name, region: regionOfNamed(name, via, `function ${name.name}`) };
}

type Question<T> = (signer: SigningCredentials, reference: FunctionReference, region: string) => Promise<T>;

async function ask<T>(lambda: Lambda, asked: Asked, question: Question<T>): Promise<T> {
  const { via, name, region } = asked;
  try {
    return await question(via.signer, name.reference, region);
  } catch (thrown) {
    const error = toBrokerError(thrown);
    const other = ofOtherAccount(error, name, via);
    if (other || error.code !== "NotFound") throw other ?? error;
    throw notFound(error, asked, await nearFunctions(lambda, via, { name: name.name, region }));
  }
}

/** Lambda answers both refusals for functions of another account, as their policy has it. */
function ofOtherAccount(error: BrokerError, { name, accountId }: FunctionName, { role }: Via): BrokerError | undefined {
  const own = accountOf(role);
  if (error.code !== "AccessDenied" && error.code !== "NotFound") return undefined;
  if (accountId === undefined || own === undefined || accountId === own) return undefined;
  const where = `function ${name} is of account ${accountId}, and role ${role.name} of ${own}`;
  return new BrokerError(error.code, `${where}: ${error.message}`, {
    hint: `--via a role of ${accountId}`,
    cause: error,
  });
}

/** A slip in its name and the wrong region are the usual reasons. */
function notFound(error: BrokerError, { name, region }: Asked, near: readonly string[]): BrokerError {
  const what = `there is no Lambda function ${name.name} in ${region}`;
  const { qualifier } = name.reference;
  if (qualifier !== undefined && near.includes(name.name)) {
    return new BrokerError(
      "NotFound",
      `Lambda function ${name.name} in ${region} has no ${qualifier}: ${error.message}`,
      {
        hint: "check the version or alias after its name",
        cause: error,
      },
    );
  }
  const meant = near.length === 0 ? "" : `, did you mean ${near.join(" or ")}?`;
  return new BrokerError("NotFound", `${what}${meant}: ${error.message}`, {
    hint: "brokerctl lambda list; the region is that of its ARN, else --region, else that of --via",
    cause: error,
  });
}

function contextOf(configuration: FunctionConfiguration, region: string): FunctionContext {
  const { functionName, functionArn, version, memorySize, timeout, handler, runtime, variables } = configuration;
  const { logGroup, logFormat, logLevel, layers } = configuration;
  const logging = { logGroup, logFormat, logLevel };
  const described = { functionName, functionArn, version, region, memorySize, timeout, handler, runtime };
  return { ...described, ...logging, layers, variables };
}
