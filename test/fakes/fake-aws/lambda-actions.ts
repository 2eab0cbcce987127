import { createHash } from "node:crypto";
import { AwsRefusal } from "./aws-refusal.js";
import type { Principal } from "./principals.js";
import type { Action, FakeAwsState, Parameters } from "./sts-actions.js";

export interface FakeFunction {
  /** arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME */
  readonly arn: string;
  readonly roleArn: string;
  readonly variables?: Readonly<Record<string, string>>;
  /** Alias to version; versions are those that aliases name. */
  readonly aliases?: Readonly<Record<string, string>>;
  readonly isImage?: boolean;
  /** `app.handler` by default. */
  readonly handler?: string;
  /** The caller may not decrypt the variables. */
  readonly isUndecryptable?: boolean;
  /** Its deployed code, a zip archive. */
  readonly code?: Buffer;
  /** ARNs of the versions of its layers. */
  readonly layers?: readonly string[];
}

/** A version of a layer. */
export interface FakeLayer {
  readonly arn: string;
  readonly content: Buffer;
  /** Its policy lets no one in. */
  readonly isClosed?: boolean;
}

/** What stands in the addresses that Lambda gives for code: who has it can fetch. */
export const ARCHIVE_SIGNATURE = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0";

/** Lambda is a REST service: what the query protocol calls Action stands in method and path. */
export function lambdaParameters(method: string, target: string): Parameters | undefined {
  const [path = "", query = ""] = target.split("?");
  const parameters = Object.fromEntries(new URLSearchParams(query));
  if (method === "GET" && path === "/2018-10-31/layers" && parameters["find"] === "LayerVersion") {
    return { ...parameters, Action: "GetLayerVersion" };
  }
  const whole = /^\/2015-03-31\/functions\/([^/]+)$/.exec(path)?.[1];
  if (method === "GET" && whole !== undefined) {
    return { ...parameters, Action: "GetFunction", FunctionName: decodeURIComponent(whole) };
  }
  if (method === "GET" && /^\/2015-03-31\/functions\/?$/.test(path)) {
    return { ...parameters, Action: "ListFunctions" };
  }
  const [, name, what] = /^\/2015-03-31\/functions\/([^/]+)\/(configuration|invocations)$/.exec(path) ?? [];
  const action = what === "invocations" ? "Invoke" : "GetFunctionConfiguration";
  if (name === undefined || method !== (action === "Invoke" ? "POST" : "GET")) return undefined;
  return { ...parameters, Action: action, FunctionName: decodeURIComponent(name) };
}

/** Of ListFunctions: "Lambda returns up to 50 functions per call", whatever is asked for. */
const PAGE = 50;

/** The functions of one region's endpoint. */
export function lambdaActions(region: string): Readonly<Record<string, Action>> {
  return {
    ListFunctions: ({ functions }, caller, { Marker = "0", MaxItems = `${PAGE}` }) => {
      const here = functions.filter(({ arn }) => arn.includes(`:lambda:${region}:${caller.account}:function:`));
      const start = Number(Marker);
      if (!Number.isInteger(start)) throw new AwsRefusal("InvalidParameterValueException", "Invalid Marker");
      const end = start + Math.min(PAGE, Number(MaxItems));
      const Functions = here.slice(start, end).map((one) => {
        const name = one.arn.split(":").at(-1) ?? "";
        const LastModified = "2026-11-28T10:00:00.000+0000";
        return { ...configurationOf(one, { name, qualifier: undefined, version: "$LATEST" }), LastModified };
      });
      return { Functions, ...(end < here.length && { NextMarker: String(end) }) };
    },
    Invoke: () => ({ invoked: true }),
    GetFunctionConfiguration: (state, caller, parameters) => found(state, caller, { region, parameters }).configuration,
    GetFunction: (state, caller, parameters) => {
      const { configuration, deployed } = found(state, caller, { region, parameters });
      const { code = Buffer.from("no archive"), isImage } = deployed;
      const image = `${caller.account}.dkr.ecr.${region}.amazonaws.com/orders:1`;
      return {
        Configuration: { ...configuration, CodeSize: code.length, CodeSha256: sha256(code) },
        Code: isImage ? { RepositoryType: "ECR", ImageUri: image } : archiveAt(state, deployed.arn),
      };
    },
    GetLayerVersion: (state, caller, { Arn = "" }) => {
      const layer = state.layers.find(({ arn }) => arn === Arn);
      if (!layer || layer.isClosed) {
        throw new AwsRefusal(
          "AccessDeniedException",
          `User: ${caller.arn} is not authorized to perform: lambda:GetLayerVersion on resource: ${Arn}`,
          { status: 403 },
        );
      }
      const { Location } = archiveAt(state, Arn);
      return {
        LayerVersionArn: Arn,
        Content: { Location, CodeSize: layer.content.length, CodeSha256: sha256(layer.content) },
      };
    },
  };
}

interface Asked {
  readonly region: string;
  readonly parameters: Parameters;
}

function found(
  state: FakeAwsState,
  caller: Principal,
  { region, parameters }: Asked,
): { readonly deployed: FakeFunction; readonly configuration: object } {
  const { FunctionName = "", Qualifier } = parameters;
  const name = FunctionName.split(":").at(-1) ?? "";
  const account = /(\d{12}):function:/.exec(FunctionName)?.[1] ?? caller.account;
  const deployed = functionOf(state, { region, account, name });
  const version = deployed && versionOf(deployed, Qualifier);
  if (!deployed || version === undefined) {
    const arn = `arn:aws:lambda:${region}:${account}:function:${name}${Qualifier ? `:${Qualifier}` : ""}`;
    throw new AwsRefusal("ResourceNotFoundException", `Function not found: ${arn}`, { status: 404 });
  }
  return { deployed, configuration: configurationOf(deployed, { name, qualifier: Qualifier, version }) };
}

/** Of this server itself, signed. */
function archiveAt({ url }: FakeAwsState, arn: string): { readonly RepositoryType: string; readonly Location: string } {
  const query = `X-Amz-Expires=600&X-Amz-Signature=${ARCHIVE_SIGNATURE}`;
  return { RepositoryType: "S3", Location: `${url()}/archives/snapshots%2F${encodeURIComponent(arn)}?${query}` };
}

/** The bytes that a GET of such an address asks for, unsigned; undefined: it is none. */
export function archiveFor(
  { functions, layers }: Pick<FakeAwsState, "functions" | "layers">,
  target: string,
): Buffer | "refused" | undefined {
  const [, name, query = ""] = /^\/archives\/snapshots%2F([^?]+)\??(.*)$/.exec(target) ?? [];
  if (name === undefined) return undefined;
  if (new URLSearchParams(query).get("X-Amz-Signature") !== ARCHIVE_SIGNATURE) return "refused";
  const arn = decodeURIComponent(name);
  const layer = layers.find((one) => one.arn === arn);
  return layer?.content ?? functions.find((one) => one.arn === arn)?.code ?? "refused";
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("base64");
}

interface Wanted {
  readonly region: string;
  readonly account: string;
  readonly name: string;
}

function functionOf({ functions }: FakeAwsState, { region, account, name }: Wanted): FakeFunction | undefined {
  return functions.find(({ arn }) => arn.endsWith(`:lambda:${region}:${account}:function:${name}`));
}

function versionOf({ aliases = {} }: FakeFunction, qualifier: string | undefined): string | undefined {
  if (qualifier === undefined || qualifier === "$LATEST") return "$LATEST";
  return Object.values(aliases).includes(qualifier) ? qualifier : aliases[qualifier];
}

function configurationOf(
  { arn, roleArn, variables, handler = "app.handler", isImage = false, isUndecryptable = false, layers }: FakeFunction,
  { name, qualifier, version }: { readonly name: string; readonly qualifier: string | undefined; version: string },
): object {
  const error = {
    ErrorCode: "AccessDeniedException",
    Message: "Lambda was unable to decrypt your environment variables because the KMS access was denied.",
  };
  return {
    FunctionName: name,
    FunctionArn: qualifier === undefined ? arn : `${arn}:${qualifier}`,
    Version: version,
    Role: roleArn,
    MemorySize: 256,
    Timeout: 15,
    PackageType: isImage ? "Image" : "Zip",
    LoggingConfig: { LogFormat: "Text", LogGroup: `/aws/lambda/${name}` },
    ...(layers && { Layers: layers.map((layer) => ({ Arn: layer, CodeSize: 1 })) }),
    ...(isImage ? {} : { Handler: handler, Runtime: "nodejs20.x" }),
    ...(isUndecryptable ? { Environment: { Error: error } } : {}),
    ...(variables && !isUndecryptable ? { Environment: { Variables: variables } } : {}),
  };
}
