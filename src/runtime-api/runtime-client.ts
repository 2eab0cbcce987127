import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { hasErrno } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import type { FunctionContext } from "../core/function-context.js";
import { shellQuote } from "../core/shell-quote.js";
import { foreignBinary } from "./foreign-binary.js";
import type { RuntimeCommand } from "./runtime-process.js";
import { typescriptSources } from "./typescript-sources.js";

export interface RuntimeClientOptions {
  readonly context: Pick<FunctionContext, "functionName" | "runtime" | "handler">;
  /** What stands after `--`: wins over everything. Empty or undefined: chosen by runtime and handler. */
  readonly command?: readonly string[] | undefined;
  /** The absolute directory of the function's code. */
  readonly taskRoot: string;
  /** What the client will run with: `PATH` decides which python3 it is. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly shipped?: ShippedClients | undefined;
  readonly debugging?: Debugging | undefined;
}

/** A debugger may attach on loopback. */
export interface Debugging {
  /** undefined: the one that debuggers of the language try first. */
  readonly port: number | undefined;
  /** Of several functions, from 0: each has the next port. */
  readonly nth: number;
  /** The function's code does not run before one has. */
  readonly waits: boolean;
}

/** The clients that come with us, absolute paths. */
export interface ShippedClients {
  readonly nodePath: string;
  readonly nodeBootstrap: string;
  readonly pythonBootstrap: string;
}

export interface RuntimeClient extends RuntimeCommand {
  /** What is not as in Lambda, one line each, for the user. */
  readonly notes: readonly string[];
  /** HOST:PORT that a debugger may attach to. */
  readonly debugger?: string | undefined;
}

/** As built: beside this module in `dist`. */
export const SHIPPED_CLIENTS: ShippedClients = {
  nodePath: process.execPath,
  nodeBootstrap: fileURLToPath(new URL("../lambda-bootstrap.mjs", import.meta.url)),
  pythonBootstrap: fileURLToPath(new URL("./lambda_bootstrap.py", import.meta.url)),
};

/** The runtime interface client that fits the function; `NotSupported` or `UsageInvalid` where there is none. */
export async function chooseRuntimeClient(options: RuntimeClientOptions): Promise<RuntimeClient> {
  const { command = [], context, debugging } = options;
  const { runtime, functionName } = context;
  const [file, ...args] = command;
  if (file !== undefined) {
    if (debugging)
      throw noDebugger("CMD", `-- node --inspect-brk ${file} …    # CMD takes the flag of its own debugger`);
    return { file, args, notes: [] };
  }
  if (runtime === null) {
    throw new BrokerError(
      "NotSupported",
      `${functionName} is deployed as an image, whose runtime Lambda does not tell`,
      {
        hint: `brokerctl lambda invoke ${functionName} -- CMD    # CMD: the image's ENTRYPOINT and CMD, as they run here`,
      },
    );
  }
  const family = FAMILIES.find(({ pattern }) => pattern.test(runtime));
  if (family === undefined) throw unsupported(runtime, functionName);
  if (debugging && family.choose !== nodeClient && family.choose !== pythonClient) {
    throw noDebugger(
      runtime,
      `brokerctl lambda invoke ${functionName} -- CMD    # CMD: its debugger, with the bootstrap`,
    );
  }
  return family.choose(options, runtime);
}

type Choose = (options: RuntimeClientOptions, runtime: string) => RuntimeClient | Promise<RuntimeClient>;

const FAMILIES: readonly { readonly pattern: RegExp; readonly choose: Choose }[] = [
  { pattern: /^nodejs/, choose: nodeClient },
  { pattern: /^python/, choose: pythonClient },
  { pattern: /^provided/, choose: (options) => executableClient(options, "bootstrap") },
  // Before it ended, this runtime ran the program that the handler named.
  { pattern: /^go1/, choose: (options) => executableClient(options, handlerOf(options)) },
];

/** What runs the client of a language that we ship none for. */
const CLIENT_COMMANDS: readonly { readonly pattern: RegExp; readonly command: string }[] = [
  { pattern: /^ruby/, command: "aws_lambda_ric HANDLER" },
  { pattern: /^java/, command: "java -cp 'lib/*' com.amazonaws.services.lambda.runtime.api.client.AWSLambda HANDLER" },
  { pattern: /^dotnet/, command: "dotnet ASSEMBLY.dll" },
];

/** What debuggers of the language try first. */
const NODE_PORT = 9229;
const PYTHON_PORT = 5678;

/** HOST:PORT. */
function debuggerPlace({ port, nth }: Debugging, usual: number): string {
  return `127.0.0.1:${(port ?? usual) + nth}`;
}

function nodeClient(options: RuntimeClientOptions, runtime: string): RuntimeClient {
  const { nodePath, nodeBootstrap } = options.shipped ?? SHIPPED_CLIENTS;
  const { taskRoot, env, debugging } = options;
  const handler = handlerOf(options);
  const deployed = /^nodejs(\d+)/.exec(runtime)?.[1];
  const flags = nodeFlags(Number(deployed), env["NODE_OPTIONS"]);
  const sources = typescriptSources(taskRoot, handler);
  const otherNode =
    `v${deployed}` === process.version.split(".")[0]
      ? []
      : [`the function runs on ${runtime}, here Node is ${process.version}`];
  const client = {
    file: nodePath,
    args: sources
      ? [...flags, ...sources.nodeFlags, nodeBootstrap, handler, sources.loadedBy]
      : [...flags, nodeBootstrap, handler],
    notes: sources ? [...otherNode, sources.note] : otherNode,
  };
  if (!debugging) return client;
  const place = debuggerPlace(debugging, NODE_PORT);
  const inspect = debugging.waits ? `--inspect-brk=${place}` : `--inspect=${place}`;
  return { ...client, args: [inspect, ...client.args], debugger: place };
}

/**
 * Lambda runs Node with these, so that what `import` and `require` accept there is accepted here, and no more:
 * https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html. The function's NODE_OPTIONS can take each back. The two
 * features are not in Node 18 and older, and no longer experimental in Node 24.
 */
function nodeFlags(deployed: number, nodeOptions = ""): string[] {
  const features = deployed > 22 ? [] : deployed === 20 ? ["require-module"] : ["require-module", "detect-module"];
  return features
    .filter((feature) => !nodeOptions.split(/\s+/).includes(`--experimental-${feature}`))
    .map((feature) => `--no-experimental-${feature}`)
    .filter((flag) => process.allowedNodeEnvironmentFlags.has(flag));
}

/** AWS's own client where it is installed, else ours, which needs nothing. */
async function pythonClient(options: RuntimeClientOptions, runtime: string): Promise<RuntimeClient> {
  const { pythonBootstrap } = options.shipped ?? SHIPPED_CLIENTS;
  const { debugging } = options;
  const handler = handlerOf(options);
  const { version, hasClient, hasDebugger } = await askPython(options);
  const args = hasClient ? ["-m", "awslambdaric", handler] : [pythonBootstrap, handler];
  const notes = runtime === `python${version}` ? [] : [`the function runs on ${runtime}, here python3 is ${version}`];
  if (!debugging) return { file: "python3", args, notes };
  if (!hasDebugger) {
    throw new BrokerError("UsageInvalid", "--inspect needs debugpy, which python3 does not have here", {
      hint: "python3 -m pip install debugpy",
    });
  }
  const place = debuggerPlace(debugging, PYTHON_PORT);
  const waiting = debugging.waits ? ["--wait-for-client"] : [];
  // Python 3.11 and later start from frozen modules, in which debugpy sees no lines.
  const flags = ["-Xfrozen_modules=off", "-m", "debugpy", "--listen", place, ...waiting];
  return { file: "python3", args: [...flags, ...args], notes, debugger: place };
}

const PYTHON_LIMIT_MS = 20_000;
/** Older ones have no `reconfigure` and no `importlib` as our client uses them. */
const OLDEST_PYTHON_MINOR = 8;
const PYTHON_QUESTION = [
  "import importlib.util, sys",
  "found = [importlib.util.find_spec(name) is not None for name in ('awslambdaric', 'debugpy')]",
  "print('%d.%d' % sys.version_info[:2], *found)",
].join("\n");

interface PythonHere {
  readonly version: string;
  readonly hasClient: boolean;
  readonly hasDebugger: boolean;
}

async function askPython({ taskRoot, env }: RuntimeClientOptions): Promise<PythonHere> {
  const answer = await ask(taskRoot, env);
  const [, version = "", minor, client, debuggerFound] = /^(3\.(\d+)) (True|False) (True|False)\s*$/.exec(answer) ?? [];
  if (Number(minor) >= OLDEST_PYTHON_MINOR) {
    return { version, hasClient: client === "True", hasDebugger: debuggerFound === "True" };
  }
  throw new BrokerError(
    "UsageInvalid",
    `python3 is too old, or not a Python: it says ${JSON.stringify(answer.trim())}`,
    {
      hint: `python3 --version    # 3.${OLDEST_PYTHON_MINOR} or newer is needed`,
    },
  );
}

/** Asked where the client will run: a client beside the function's code is found, as it will be then. */
async function ask(cwd: string, env: RuntimeClientOptions["env"]): Promise<string> {
  try {
    const options = { cwd, env: { ...env }, timeout: PYTHON_LIMIT_MS, encoding: "utf8" } as const;
    const { stdout } = await promisify(execFile)("python3", ["-c", PYTHON_QUESTION], options);
    return stdout;
  } catch (cause) {
    if (!(await isThere(cwd))) {
      throw new BrokerError("UsageInvalid", `no such directory: ${cwd}`, { cause });
    }
    const missing = hasErrno(cause, "ENOENT");
    const message = missing ? "python3 is not installed, or not in PATH" : "python3 does not run";
    throw new BrokerError("UsageInvalid", message, { cause, hint: "python3 --version" });
  }
}

async function executableClient({ taskRoot, context }: RuntimeClientOptions, name: string): Promise<RuntimeClient> {
  const file = join(taskRoot, name);
  const { functionName } = context;
  await access(file).catch((cause: unknown) => {
    const hint = `brokerctl lambda invoke ${functionName} --task-root DIR    # where it was built for this machine; or: -- CMD`;
    throw new BrokerError("UsageInvalid", `no such file: ${file}`, { cause, hint });
  });
  await access(file, constants.X_OK).catch((cause: unknown) => {
    throw new BrokerError("UsageInvalid", `not executable: ${file}`, { cause, hint: `chmod +x ${shellQuote(file)}` });
  });
  const built = await foreignBinary(file);
  if (built === undefined) return { file, args: [], notes: [] };
  throw new BrokerError("UsageInvalid", `${file} was built for ${built}, this is ${process.platform}/${process.arch}`, {
    // What the system would say of it.
    cause: Object.assign(new Error("exec format error"), { code: "ENOEXEC" }),
    hint: `build it for this machine, then: brokerctl lambda invoke ${functionName} -- CMD`,
  });
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function handlerOf({ context: { handler, functionName, runtime } }: RuntimeClientOptions): string {
  if (handler !== null && handler !== "") return handler;
  throw new BrokerError("NotSupported", `${functionName} names no handler, which ${runtime ?? "its runtime"} needs`, {
    hint: `brokerctl lambda invoke ${functionName} -- CMD`,
  });
}

function noDebugger(what: string, hint: string): BrokerError {
  return new BrokerError("NotSupported", `--inspect is for Node and Python handlers, not for ${what}`, { hint });
}

function unsupported(runtime: string, functionName: string): BrokerError {
  const command = CLIENT_COMMANDS.find(({ pattern }) => pattern.test(runtime))?.command ?? "CMD";
  return new BrokerError("NotSupported", `no runtime interface client for ${runtime} comes with credbroker`, {
    hint: `brokerctl lambda invoke ${functionName} -- ${command}`,
  });
}
