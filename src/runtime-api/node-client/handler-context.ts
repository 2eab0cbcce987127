import type { Clock } from "../../system/clock.js";
import type { RuntimeEvent } from "./runtime-connection.js";

/** The second argument of a handler: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html */
export interface HandlerContext {
  /** With a callback: whether the response waits until nothing is left to do. A handler may change it. */
  callbackWaitsForEmptyEventLoop: boolean;
  readonly functionName: string | undefined;
  readonly functionVersion: string | undefined;
  readonly invokedFunctionArn: string | undefined;
  /** Megabytes, as text. */
  readonly memoryLimitInMB: string | undefined;
  readonly logGroupName: string | undefined;
  readonly logStreamName: string | undefined;
  readonly awsRequestId: string;
  readonly clientContext: unknown;
  readonly identity: unknown;
  readonly tenantId: string | undefined;
  readonly getRemainingTimeInMillis: () => number;
}

/** Throws where a JSON header cannot be parsed. */
export function handlerContext(
  { requestId, headers }: RuntimeEvent,
  env: NodeJS.ProcessEnv,
  clock: Clock,
): HandlerContext {
  const header = (name: string): string | undefined => headers[`lambda-runtime-${name}`]?.toString();
  const deadline = Number(header("deadline-ms"));
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: env["AWS_LAMBDA_FUNCTION_VERSION"],
    functionName: env["AWS_LAMBDA_FUNCTION_NAME"],
    memoryLimitInMB: env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],
    logGroupName: env["AWS_LAMBDA_LOG_GROUP_NAME"],
    logStreamName: env["AWS_LAMBDA_LOG_STREAM_NAME"],
    clientContext: parsed(header("client-context"), "ClientContext"),
    identity: parsed(header("cognito-identity"), "CognitoIdentity"),
    invokedFunctionArn: header("invoked-function-arn"),
    awsRequestId: requestId,
    tenantId: tenantOf(headers),
    getRemainingTimeInMillis: () => deadline - clock.now(),
  };
}

/** Of a function that keeps its tenants apart. */
export function tenantOf(headers: RuntimeEvent["headers"]): string | undefined {
  return headers["lambda-runtime-aws-tenant-id"]?.toString();
}

function parsed(json: string | undefined, name: string): unknown {
  try {
    return json === undefined ? undefined : JSON.parse(json);
  } catch (cause) {
    throw new Error(`Cannot parse ${name} as json: ${String(cause)}`, { cause });
  }
}
