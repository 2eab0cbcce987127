import type { FunctionConfiguration, Lambda } from "../aws/lambda.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import type { FunctionContext } from "../core/function-context.js";
import { type FunctionName, parseFunctionName } from "./function-name.js";
import { accountOf, type Via } from "./via.js";

export interface ReadFunction {
  readonly context: FunctionContext;
  /** Of the role that its code runs with. */
  readonly roleArn: string;
  readonly isImage: boolean;
}

/**
 * Reads a deployed function with the credentials of `via`, in the region of its ARN, else in that of `via` (which has the
 * config's default already, as far as it fits the role's partition). UsageInvalid, NotFound, AccessDenied.
 */
export async function readFunction(lambda: Lambda, via: Via, functionText: string): Promise<ReadFunction> {
  const { configuration, region } = await configurationOf(lambda, via, functionText);
  // Code without them would be another program.
  if (configuration.variablesRefused) throw configuration.variablesRefused;
  return { context: contextOf(configuration, region), roleArn: configuration.roleArn, isImage: configuration.isImage };
}

/** The ARN of its role alone, which can be read without leave to decrypt the variables. */
export async function readFunctionRole(lambda: Lambda, via: Via, functionText: string): Promise<string> {
  return (await configurationOf(lambda, via, functionText)).configuration.roleArn;
}

interface Found {
  readonly configuration: FunctionConfiguration;
  readonly region: string;
}

async function configurationOf(lambda: Lambda, via: Via, functionText: string): Promise<Found> {
  const name = parseFunctionName(functionText);
  const region = regionOf(name, via);
  refuseOtherPartition(name, via);
  return { configuration: await ask(lambda, via, { name, region }), region };
}

interface Asked {
  readonly name: FunctionName;
  readonly region: string;
}

async function ask(lambda: Lambda, via: Via, { name, region }: Asked): Promise<FunctionConfiguration> {
  try {
    return await lambda.getFunctionConfiguration(via.signer, name.reference, region);
  } catch (thrown) {
    throw ofOtherAccount(toBrokerError(thrown), name, via) ?? inRegion(toBrokerError(thrown), { name, region });
  }
}

function regionOf({ name, region }: FunctionName, { role }: Via): string {
  const found = region ?? role.region;
  if (found !== undefined) return found;
  throw new BrokerError("UsageInvalid", `no region is known for function ${name}: role ${role.name} names none`, {
    hint: `set \`region\` of role ${role.name} or of \`defaults\`: \`brokerctl config edit\`, or give the function's ARN`,
  });
}

function refuseOtherPartition({ name, partition }: FunctionName, { role }: Via): void {
  const own = role.assume?.roleArn.split(":")[1];
  if (partition === undefined || own === undefined || partition === own) return;
  throw new BrokerError("UsageInvalid", `function ${name} is in ${partition}, and role ${role.name} is in ${own}`, {
    hint: `--via a role of ${partition}`,
  });
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

/** The wrong region is the usual reason. */
function inRegion(error: BrokerError, { name, region }: Asked): BrokerError {
  if (error.code !== "NotFound") return error;
  return new BrokerError("NotFound", `there is no Lambda function ${name.name} in ${region}: ${error.message}`, {
    hint: "check its name and region; its ARN names both: arn:aws:lambda:REGION:123456789012:function:NAME",
    cause: error,
  });
}

function contextOf(configuration: FunctionConfiguration, region: string): FunctionContext {
  const { functionName, functionArn, version, memorySize, timeout, handler, runtime, variables } = configuration;
  const { logGroup, logFormat, logLevel } = configuration;
  const logging = { logGroup, logFormat, logLevel };
  return { functionName, functionArn, version, region, memorySize, timeout, handler, runtime, ...logging, variables };
}
