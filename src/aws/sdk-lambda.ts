import {
  GetFunctionConfigurationCommand,
  type GetFunctionConfigurationCommandOutput,
  LambdaClient,
} from "@aws-sdk/client-lambda";
import type { SigningCredentials } from "../core/credentials.js";
import type { ListedFunction } from "../core/deployed-function.js";
import { BrokerError } from "../core/errors.js";
import { accessError } from "./access-error.js";
import type { AwsCaller, CallOptions } from "./aws-caller.js";
import { getFunctionCode, getLayer, layersOf, readArchive } from "./function-code.js";
import type {
  Archive,
  ArchiveRange,
  FunctionCode,
  FunctionConfiguration,
  FunctionReference,
  Lambda,
  ListLimits,
} from "./lambda.js";
import { listFunctions } from "./list-functions.js";
import { matches, unusableAnswer } from "./unreachable.js";

const ACTION = "GetFunctionConfiguration";

/** Lambda through the AWS SDK. */
export class SdkLambda implements Lambda {
  readonly #caller: AwsCaller;

  constructor({ caller }: { readonly caller: AwsCaller }) {
    this.#caller = caller;
  }

  async getFunctionConfiguration(
    signer: SigningCredentials,
    { functionName, qualifier }: FunctionReference,
    region: string,
  ): Promise<FunctionConfiguration> {
    const input = { FunctionName: functionName, ...(qualifier === undefined ? {} : { Qualifier: qualifier }) };
    const { output, host } = await this.#caller.call({
      service: "lambda",
      action: ACTION,
      subject: qualifier === undefined ? functionName : `${functionName}:${qualifier}`,
      region,
      signer,
      explain: accessError("lambda"),
      client: (options: CallOptions) => new LambdaClient(options),
      send: (client, http) => client.send(new GetFunctionConfigurationCommand(input), http),
    });
    return checkedConfiguration(output, host);
  }

  getFunctionCode(signer: SigningCredentials, reference: FunctionReference, region: string): Promise<FunctionCode> {
    return getFunctionCode(this.#caller, { signer, reference, region });
  }

  getLayer(signer: SigningCredentials, layerArn: string, region: string): Promise<Archive> {
    return getLayer(this.#caller, { signer, layerArn, region });
  }

  listFunctions(signer: SigningCredentials, region: string, limits?: ListLimits): Promise<readonly ListedFunction[]> {
    return listFunctions(this.#caller, { signer, region, ...limits });
  }

  readArchive(archive: Archive, range: ArchiveRange, region: string): Promise<Uint8Array> {
    return readArchive(this.#caller, { archive, range, region });
  }
}

const FUNCTION_ARN = /^arn:[\w-]+:lambda:[a-z0-9-]+:\d{12}:function:[\w-]+(:[\w$.-]+)?$/;
const ROLE_ARN = /^arn:[\w-]+:iam::\d{12}:role\/[\x21-\x7e]+$/;

function checkedConfiguration(answer: GetFunctionConfigurationCommandOutput, host: string): FunctionConfiguration {
  const { MemorySize: memorySize, Timeout: timeout } = answer;
  if (memorySize === undefined || timeout === undefined) {
    throw unusableAnswer(ACTION, host, "no MemorySize or Timeout");
  }
  return {
    ...checkedNames(answer, host),
    memorySize,
    timeout,
    handler: textOf(answer.Handler),
    runtime: textOf(answer.Runtime),
    logGroup: textOf(answer.LoggingConfig?.LogGroup),
    logFormat: textOf(answer.LoggingConfig?.LogFormat),
    logLevel: textOf(answer.LoggingConfig?.ApplicationLogLevel),
    isImage: answer.PackageType === "Image",
    layers: layersOf(answer),
    ...variablesOf(answer),
  };
}

type Names = Pick<FunctionConfiguration, "functionName" | "functionArn" | "version" | "roleArn">;

function checkedNames(answer: GetFunctionConfigurationCommandOutput, host: string): Names {
  const { FunctionName: functionName, FunctionArn: functionArn, Version: version, Role: roleArn } = answer;
  if (!matches(functionName, /^[\w-]{1,64}$/)) throw unusableAnswer(ACTION, host, "no FunctionName");
  if (!matches(functionArn, FUNCTION_ARN)) throw unusableAnswer(ACTION, host, "no FunctionArn");
  if (!matches(roleArn, ROLE_ARN)) throw unusableAnswer(ACTION, host, "no Role");
  if (!matches(version, /^\$?[\w.]+$/)) throw unusableAnswer(ACTION, host, "no Version");
  return { functionName, functionArn, version, roleArn };
}

function textOf(text: string | undefined): string | null {
  return text === undefined || text === "" ? null : text;
}

/** Lambda leaves the variables out when the caller may not decrypt them, with status 200. */
function variablesOf({
  Environment,
  FunctionName,
  KMSKeyArn,
}: GetFunctionConfigurationCommandOutput): Pick<FunctionConfiguration, "variables" | "variablesRefused"> {
  const { Error: refused, Variables = {} } = Environment ?? {};
  if (!refused) return { variables: Variables };
  const key = KMSKeyArn ?? "the key that encrypts them";
  const why = `${refused.ErrorCode ?? "refused"} ${refused.Message ?? ""}`.trim();
  const message = `the variables of ${FunctionName ?? "the function"} cannot be decrypted: ${why}`;
  const hint = `allow kms:Decrypt on ${key} to the caller, or let another role ask`;
  return { variables: {}, variablesRefused: new BrokerError("AccessDenied", message, { hint }) };
}
