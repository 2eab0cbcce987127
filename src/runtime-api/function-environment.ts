import { randomBytes } from "node:crypto";
import { delimiter } from "node:path";
import type { FunctionContext } from "../core/function-context.js";
import type { Clock } from "../system/clock.js";

type Variables = Readonly<Record<string, string>>;

export interface FunctionEnvironmentOptions {
  /** The absolute directory of the function's code here. */
  readonly taskRoot: string;
  /** What points the code to its lease, and what must not be set beside it: it wins over the function's own variables. */
  readonly lease: { readonly set: Variables; readonly unset: readonly string[] };
  /** `PATH` of the caller: the programs of this machine are found there. */
  readonly localPath: string | undefined;
  /** Set where `/opt` is there: the caller's own variables, whose search paths stand behind those of layers. */
  readonly besideLayers?: Readonly<Record<string, string | undefined>> | undefined;
  readonly clock: Clock;
}

export interface FunctionEnvironment {
  readonly set: Variables;
  /** Variables of the function that are not set because they would shadow the lease; worth telling. */
  readonly withheld: readonly string[];
}

/**
 * The variables of a deployed function, here: its own, Lambda's reserved ones and the lease's. `AWS_LAMBDA_RUNTIME_API` is set
 * by `runFunction`, `_X_AMZN_TRACE_ID` by the runtime client for each event.
 */
export function functionEnvironment(
  context: FunctionContext,
  options: FunctionEnvironmentOptions,
): FunctionEnvironment {
  const { lease, localPath, besideLayers } = options;
  const own = Object.entries(context.variables);
  const withheld = own
    .map(([name]) => name)
    .filter((name) => lease.unset.includes(name) || isShadowed(name, lease.set));
  const passed = Object.fromEntries(own.filter(([name]) => !withheld.includes(name)));
  const set = {
    ...OVERRIDABLE,
    ...passed,
    ...lease.set,
    ...reservedVariables(context, options),
    // This machine's first: a directory that is the sandbox's alone there (`/tmp/bin`) may be another user's here.
    ...joined("PATH", delimiter, [localPath, passed["PATH"], besideLayers && "/opt/bin"]),
    ...(besideLayers && layerPaths(context.runtime ?? "", passed, besideLayers)),
    ...joined("NO_PROXY", ",", [passed["NO_PROXY"] ?? passed["no_proxy"], lease.set["NO_PROXY"]]),
    ...joined("no_proxy", ",", [passed["no_proxy"] ?? passed["NO_PROXY"], lease.set["no_proxy"]]),
  };
  return { set, withheld };
}

/** Lambda's search paths in layers, by the runtime: https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html */
const LAYER_PATHS: readonly { readonly runtime: RegExp; readonly paths: (version: string) => Variables }[] = [
  {
    runtime: /^nodejs(\d+)/,
    paths: (version) => ({ NODE_PATH: `/opt/nodejs/node${version}/node_modules:/opt/nodejs/node_modules` }),
  },
  {
    runtime: /^python(3\.\d+)/,
    paths: (version) => ({ PYTHONPATH: `/opt/python/lib/python${version}/site-packages:/opt/python` }),
  },
  {
    runtime: /^ruby(\d+\.\d+)/,
    paths: (version) => ({ GEM_PATH: `/opt/ruby/gems/${version}.0`, RUBYLIB: "/opt/ruby/lib" }),
  },
];

/** A path that the function sets takes the place of Lambda's own, as there. */
function layerPaths(
  runtime: string,
  passed: Variables,
  local: Readonly<Record<string, string | undefined>>,
): Variables {
  const known = LAYER_PATHS.find(({ runtime: pattern }) => pattern.test(runtime));
  const usual: Variables = {
    LD_LIBRARY_PATH: "/opt/lib",
    ...known?.paths(known.runtime.exec(runtime)?.[1] ?? ""),
  };
  const entries = Object.entries(usual).map(([name, paths]) =>
    joined(name, delimiter, [passed[name] ?? paths, local[name]]),
  );
  return Object.assign({}, ...entries) as Variables;
}

/** Those two are joined below, not replaced. */
function isShadowed(name: string, leaseSet: Variables): boolean {
  return Object.hasOwn(leaseSet, name) && name.toLowerCase() !== "no_proxy";
}

/** What Lambda sets and a function may set otherwise. */
const OVERRIDABLE: Variables = { TZ: ":UTC", AWS_XRAY_CONTEXT_MISSING: "LOG_ERROR" };

/**
 * What Lambda sets and a function cannot set: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html,
 * "Reserved environment variables". There is no /var/runtime here; the variable has Lambda's value for code that compares it.
 */
function reservedVariables(context: FunctionContext, { taskRoot, clock }: FunctionEnvironmentOptions): Variables {
  const { functionName, version, memorySize, region, handler, runtime } = context;
  return {
    AWS_LAMBDA_FUNCTION_NAME: functionName,
    AWS_LAMBDA_FUNCTION_VERSION: version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memorySize),
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_LAMBDA_LOG_GROUP_NAME: context.logGroup ?? `/aws/lambda/${functionName}`,
    AWS_LAMBDA_LOG_STREAM_NAME: logStreamName(version, clock.now()),
    // A broker of an earlier version says nothing of them.
    ...(context.logFormat && { AWS_LAMBDA_LOG_FORMAT: context.logFormat }),
    ...(context.logLevel && { AWS_LAMBDA_LOG_LEVEL: context.logLevel }),
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    LAMBDA_TASK_ROOT: taskRoot,
    LAMBDA_RUNTIME_DIR: "/var/runtime",
    ...(handler !== null && { _HANDLER: handler }),
    // "not defined for functions that use the OS-only runtimes", and unknown for images.
    ...(runtime !== null && !runtime.startsWith("provided") && { AWS_EXECUTION_ENV: `AWS_Lambda_${runtime}` }),
  };
}

/** `2026/11/21/[$LATEST]` and 32 hexadecimal digits. Nothing is written to a log stream of this name. */
function logStreamName(version: string, now: number): string {
  const day = new Date(now).toISOString().slice(0, 10).replaceAll("-", "/");
  return `${day}/[${version}]${randomBytes(16).toString("hex")}`;
}

/** Both where both are set: Lambda's directories are not here, and the local ones must still be found. */
export function joined(name: string, separator: string, values: readonly (string | undefined)[]): Variables {
  const parts = values.flatMap((value) => value?.split(separator) ?? []).filter((part) => part !== "");
  // In NO_PROXY it means all hosts, and only when it stands alone.
  if (parts.includes("*")) return { [name]: "*" };
  return parts.length === 0 ? {} : { [name]: [...new Set(parts)].join(separator) };
}
