import { AwsRefusal } from "./aws-refusal.js";
import type { Action, FakeAwsState, Parameters } from "./sts-actions.js";

export interface FakeFunction {
  /** arn:PARTITION:lambda:REGION:ACCOUNT:function:NAME */
  readonly arn: string;
  readonly roleArn: string;
  readonly variables?: Readonly<Record<string, string>>;
  /** Alias to version; versions are those that aliases name. */
  readonly aliases?: Readonly<Record<string, string>>;
  readonly isImage?: boolean;
  /** The caller may not decrypt the variables. */
  readonly isUndecryptable?: boolean;
}

/** Lambda is a REST service: what the query protocol calls Action stands in method and path. */
export function lambdaParameters(method: string, target: string): Parameters | undefined {
  const [path = "", query = ""] = target.split("?");
  const name = /^\/2015-03-31\/functions\/([^/]+)\/configuration$/.exec(path)?.[1];
  if (method !== "GET" || name === undefined) return undefined;
  return {
    ...Object.fromEntries(new URLSearchParams(query)),
    Action: "GetFunctionConfiguration",
    FunctionName: decodeURIComponent(name),
  };
}

/** The functions of one region's endpoint. */
export function lambdaActions(region: string): Readonly<Record<string, Action>> {
  return {
    GetFunctionConfiguration: (state, caller, parameters) => {
      const { FunctionName = "", Qualifier } = parameters;
      const name = FunctionName.split(":").at(-1) ?? "";
      const account = /(\d{12}):function:/.exec(FunctionName)?.[1] ?? caller.account;
      const found = functionOf(state, { region, account, name });
      const version = found && versionOf(found, Qualifier);
      if (!found || version === undefined) {
        const arn = `arn:aws:lambda:${region}:${account}:function:${name}${Qualifier ? `:${Qualifier}` : ""}`;
        throw new AwsRefusal("ResourceNotFoundException", `Function not found: ${arn}`, { status: 404 });
      }
      return configurationOf(found, { name, qualifier: Qualifier, version });
    },
  };
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
  { arn, roleArn, variables, isImage = false, isUndecryptable = false }: FakeFunction,
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
    ...(isImage ? {} : { Handler: "app.handler", Runtime: "nodejs20.x" }),
    ...(isUndecryptable ? { Environment: { Error: error } } : {}),
    ...(variables && !isUndecryptable ? { Environment: { Variables: variables } } : {}),
  };
}
