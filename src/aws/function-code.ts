import {
  GetFunctionCommand,
  type GetFunctionConfigurationCommandOutput,
  GetLayerVersionByArnCommand,
  LambdaClient,
} from "@aws-sdk/client-lambda";
import type { SigningCredentials } from "../core/credentials.js";
import { BrokerError } from "../core/errors.js";
import { Secret } from "../core/secret.js";
import { accessError } from "./access-error.js";
import type { AwsCaller, CallOptions } from "./aws-caller.js";
import type { SdkRequest, SdkResponse } from "./connections.js";
import type { Archive, ArchiveRange, FunctionCode, FunctionReference } from "./lambda.js";
import { isLoopback } from "./proxies.js";
import { unusableAnswer } from "./unreachable.js";

const GET_FUNCTION = "GetFunction";
const GET_LAYER = "GetLayerVersion";
const DOWNLOAD = "the download of code";
const LAYER_ARN = /^arn:[\w-]+:lambda:[a-z0-9-]+:\d{12}:layer:[\w-]{1,140}:\d+$/;
/** 32 bytes. */
const SHA256 = /^[A-Za-z0-9+/]{43}=$/;

/** ARNs of layers, of an answer that describes a function. */
export function layersOf({ Layers = [] }: Pick<GetFunctionConfigurationCommandOutput, "Layers">): readonly string[] {
  return Layers.flatMap(({ Arn }) => (Arn !== undefined && LAYER_ARN.test(Arn) ? [Arn] : []));
}

interface OfFunction {
  readonly signer: SigningCredentials;
  readonly reference: FunctionReference;
  readonly region: string;
}

export async function getFunctionCode(
  caller: AwsCaller,
  { signer, reference, region }: OfFunction,
): Promise<FunctionCode> {
  const { functionName, qualifier } = reference;
  const { output, host } = await caller.call({
    ...{ service: "lambda", action: GET_FUNCTION, region, signer, explain: accessError("lambda") },
    subject: qualifier === undefined ? functionName : `${functionName}:${qualifier}`,
    client: (options: CallOptions) => new LambdaClient(options),
    send: (client, http) =>
      client.send(
        new GetFunctionCommand({
          FunctionName: functionName,
          ...(qualifier !== undefined && { Qualifier: qualifier }),
        }),
        http,
      ),
  });
  const { FunctionName, FunctionArn, Version, CodeSha256, CodeSize, PackageType, ...rest } = output.Configuration ?? {};
  if (FunctionName === undefined || FunctionArn === undefined || Version === undefined) {
    throw unusableAnswer(GET_FUNCTION, host, "no Configuration");
  }
  const { Location, ResolvedImageUri, ImageUri = ResolvedImageUri } = output.Code ?? {};
  const archive = { location: Location, bytes: CodeSize, sha256: CodeSha256 };
  const code = PackageType === "Image" ? { imageUri: ImageUri ?? "" } : checkedArchive(archive, GET_FUNCTION, host);
  return { functionName: FunctionName, functionArn: FunctionArn, version: Version, layers: layersOf(rest), code };
}

interface OfLayer {
  readonly signer: SigningCredentials;
  readonly layerArn: string;
  readonly region: string;
}

export async function getLayer(caller: AwsCaller, { signer, layerArn, region }: OfLayer): Promise<Archive> {
  const { output, host } = await caller.call({
    ...{ service: "lambda", action: GET_LAYER, region, signer, subject: layerArn, explain: accessError("lambda") },
    client: (options: CallOptions) => new LambdaClient(options),
    send: (client, http) => client.send(new GetLayerVersionByArnCommand({ Arn: layerArn }), http),
  });
  const { Location, CodeSize, CodeSha256 } = output.Content ?? {};
  return checkedArchive({ location: Location, bytes: CodeSize, sha256: CodeSha256 }, GET_LAYER, host);
}

interface Told {
  readonly location: string | undefined;
  readonly bytes: number | undefined;
  readonly sha256: string | undefined;
}

function checkedArchive({ location, bytes, sha256 }: Told, action: string, host: string): Archive {
  const url = location !== undefined && URL.canParse(location) ? new URL(location) : undefined;
  if (!url || !isProtected(url)) throw unusableAnswer(action, host, "no Location of the code");
  if (bytes === undefined || !(bytes > 0)) throw unusableAnswer(action, host, "no CodeSize");
  if (sha256 === undefined || !SHA256.test(sha256)) throw unusableAnswer(action, host, "no CodeSha256");
  return { location: new Secret(url.href), bytes, sha256 };
}

/** Nothing is fetched in clear text from another machine. */
function isProtected({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || (protocol === "http:" && isLoopback(hostname));
}

interface Wanted {
  readonly archive: Archive;
  readonly range: ArchiveRange;
  readonly region: string;
}

/** What S3 adds to an answer of so many bytes. */
const SLACK_BYTES = 64 * 1024;
const PARTIAL_CONTENT = 206;
const OK = 200;

/** One request for some of it: an answer is held in memory, and a whole archive may be large. */
export async function readArchive(caller: AwsCaller, { archive, range, region }: Wanted): Promise<Uint8Array> {
  const { output } = await caller.call({
    ...{ service: "lambda", action: DOWNLOAD, region, maxBytes: range.length + SLACK_BYTES },
    client: (options: CallOptions) => ({ config: { systemClockOffset: 0 }, options }),
    send: ({ options }, http) => fetchRange(options.requestHandler as RequestHandler, { archive, range }, http),
  });
  return output;
}

/** What the caller gives, of the SDK's many kinds. */
interface RequestHandler {
  readonly handle: (
    request: SdkRequest,
    http: { readonly abortSignal: AbortSignal },
  ) => Promise<{ readonly response: SdkResponse }>;
}

async function fetchRange(
  { handle }: RequestHandler,
  { archive, range: { offset, length } }: Pick<Wanted, "archive" | "range">,
  http: { readonly abortSignal: AbortSignal },
): Promise<Uint8Array> {
  const { protocol, hostname, host, port, pathname, search } = new URL(archive.location.reveal());
  const request = {
    method: "GET",
    // The path as it is: a query in parts would be encoded anew, and the signature is over it.
    ...{ protocol, hostname, path: pathname + search, query: {} },
    ...(port !== "" && { port: Number(port) }),
    headers: { host, range: `bytes=${offset}-${offset + length - 1}`, "accept-encoding": "identity" },
  } as unknown as SdkRequest;
  const { response } = await handle(request, http);
  const body = response.body as Uint8Array;
  if (response.statusCode === PARTIAL_CONTENT) return body.subarray(0, length);
  if (response.statusCode === OK) return body.subarray(offset, offset + length);
  throw new BrokerError("AwsUnreachable", `${hostname} answered ${response.statusCode} to ${DOWNLOAD}`, {
    hint: "try again: the addresses that Lambda gives for code end after ten minutes",
  });
}
