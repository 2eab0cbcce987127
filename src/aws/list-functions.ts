import { type FunctionConfiguration, LambdaClient, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import type { SigningCredentials } from "../core/credentials.js";
import type { ListedFunction } from "../core/deployed-function.js";
import { accessError } from "./access-error.js";
import type { AwsCaller, CallOptions } from "./aws-caller.js";
import type { ListLimits } from "./lambda.js";
import { unusableAnswer } from "./unreachable.js";

const ACTION = "ListFunctions";
/** Of an answer that never ends: 50,000 functions. */
const MAX_PAGES = 1000;
/** 50 functions with 4 KB of variables each, which Lambda lists too, written as JSON. */
const MAX_LIST_BYTES = 4 * 1024 * 1024;

interface Wanted extends ListLimits {
  readonly signer: SigningCredentials;
  readonly region: string;
}

export async function listFunctions(caller: AwsCaller, wanted: Wanted): Promise<readonly ListedFunction[]> {
  const { until = (): boolean => false, maxPages } = wanted;
  const all: ListedFunction[] = [];
  let marker: string | undefined;
  for (let pages = 1; ; pages++) {
    const { functions, next, host } = await pageOf(caller, wanted, marker);
    all.push(...functions);
    marker = next;
    if (!marker || until(all) || pages === maxPages) return all;
    if (pages >= MAX_PAGES) throw unusableAnswer(ACTION, host, "a list without an end");
  }
}

interface Page {
  readonly functions: readonly ListedFunction[];
  readonly next: string | undefined;
  readonly host: string;
}

async function pageOf(caller: AwsCaller, { signer, region }: Wanted, marker: string | undefined): Promise<Page> {
  const { output, host } = await caller.call({
    ...{ service: "lambda", action: ACTION, region, signer, maxBytes: MAX_LIST_BYTES },
    explain: accessError("lambda"),
    client: (options: CallOptions) => new LambdaClient(options),
    send: (client, http) => client.send(new ListFunctionsCommand(marker === undefined ? {} : { Marker: marker }), http),
  });
  if (!output.Functions) throw unusableAnswer(ACTION, host, "no list");
  return { functions: output.Functions.map((answered) => listed(answered, host)), next: output.NextMarker, host };
}

function listed(answered: FunctionConfiguration, host: string): ListedFunction {
  const { FunctionName: functionName, FunctionArn: functionArn, Role: roleArn } = answered;
  if (!functionName || !functionArn || !roleArn) {
    throw unusableAnswer(ACTION, host, "a function without name, ARN or role");
  }
  const lastModified = Date.parse(answered.LastModified ?? "");
  return {
    ...{ functionName, functionArn, roleArn },
    handler: textOf(answered.Handler),
    runtime: textOf(answered.Runtime),
    isImage: answered.PackageType === "Image",
    memorySize: answered.MemorySize ?? null,
    timeout: answered.Timeout ?? null,
    lastModified: Number.isNaN(lastModified) ? null : lastModified,
  };
}

function textOf(text: string | undefined): string | null {
  return text === undefined || text === "" ? null : text;
}
