import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, readdirSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { hasErrno } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import type { FunctionContext } from "../../core/function-context.js";
import { shellQuote } from "../../core/shell-quote.js";
import { absolutePath } from "../arguments/argument-values.js";
import type { CliContext, Environment } from "../context.js";

/** What stands for layers here: an absolute directory, which is seen as `/opt` by what runs below bwrap. */
export interface Layers {
  readonly directory: string;
}

interface Words {
  readonly file: string;
  readonly args: readonly string[];
}

const OPT = "/opt";

/** Of `--layers`; undefined: not wanted. Rejects where this machine cannot show it as `/opt`. */
export async function layersOf(text: string | undefined, context: CliContext): Promise<Layers | undefined> {
  if (text === undefined) return undefined;
  const directory = absolutePath(text, context);
  if (statSync(directory, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw new BrokerError("UsageInvalid", `--layers is no directory: ${directory}`, {
      hint: "brokerctl lambda pull FUNCTION --to DIR, then --layers DIR/layers",
    });
  }
  const layers = { directory };
  const { file, args } = inLayers({ file: "true", args: [] }, layers);
  await promisify(execFile)(file, [...args], { env: { ...context.env } }).catch((error: unknown) => {
    throw cannotShow(directory, error);
  });
  return layers;
}

function cannotShow(directory: string, error: unknown): BrokerError {
  if (hasErrno(error, "ENOENT")) {
    return new BrokerError("SandboxUnavailable", `--layers needs bubblewrap, and there is no bwrap here`, {
      cause: error,
      hint:
        process.platform === "linux"
          ? "sudo apt-get install bubblewrap, or dnf install, pacman -S, apk add, zypper install"
          : "it is for Linux alone; NODE_PATH or PYTHONPATH of the shell can lead to what a layer holds",
    });
  }
  const said = (error as { readonly stderr?: string }).stderr?.trim().split("\n")[0] ?? "it failed";
  return new BrokerError("SandboxUnavailable", `bwrap cannot show ${directory} as ${OPT} here: ${said}`, {
    cause: error,
    hint: "docs/sandbox.md says what keeps bwrap from it",
  });
}

/** The same command, for which `/opt` is the layers; all else is as it was. */
export function inLayers({ file, args }: Words, { directory }: Layers): Words {
  const mounts = ["--dev-bind", "/", "/", "--ro-bind", directory, OPT];
  return { file: "bwrap", args: [...mounts, "--die-with-parent", "--", file, ...args] };
}

/** Refuses what would not be there any more. `env` is what the command runs with. */
export function refuseHidden({ file, args }: Words, env: Environment): void {
  const hidden = [programOf(file, env), ...args].find((word) => word.startsWith(`${OPT}/`) && existsSync(word));
  if (hidden === undefined) return;
  throw new BrokerError("UsageInvalid", `${hidden} is in ${OPT} itself, which --layers hides`, {
    hint: "leave --layers out, or use programs of another place",
  });
}

function programOf(file: string, env: Environment): string {
  if (file.includes("/")) return file;
  const found = (env["PATH"] ?? "")
    .split(delimiter)
    .map((directory) => join(directory, file))
    .find((path) => isExecutable(path));
  return found ?? file;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const WEB_ADAPTER = "/opt/bootstrap";

/**
 * The client as the function's `AWS_LAMBDA_EXEC_WRAPPER` would start it, in the layers that hold the wrapper; without layers as it is.
 * The Lambda Web Adapter is refused by name: without the extension that it is, its program would wait for requests for ever.
 */
export function wrappedClient(client: Words, { context, env, layers }: Wrapped): Words {
  const wrapper = context.variables["AWS_LAMBDA_EXEC_WRAPPER"];
  const isProgram = context.runtime !== null && /^(?:node|python)/.test(context.runtime);
  if (wrapper === WEB_ADAPTER && isProgram) {
    throw new BrokerError(
      "NotSupported",
      `${context.functionName} is a web server behind the Lambda Web Adapter, an extension that does not run here`,
      {
        hint: `brokerctl lambda exec ${context.functionName} -- ${shellQuote(`./${context.handler ?? "run.sh"}`)}    # then ask its own port`,
      },
    );
  }
  if (!layers) return client;
  refuseHidden(client, env);
  const started =
    wrapper === undefined || wrapper === "" ? client : { file: wrapper, args: [client.file, ...client.args] };
  return inLayers(started, layers);
}

interface Wrapped {
  readonly context: FunctionContext;
  readonly env: Environment;
  readonly layers: Layers | undefined;
}

/** `NAME:VERSION` of a layer's ARN. */
export function layerName(arn: string): string {
  return arn.split(":").slice(-2).join(":");
}

/** One line where what runs here lacks what is in Lambda. */
export function tellLayers(name: string, described: FunctionContext, { layers, output }: Told): void {
  const extensions = layers ? namesIn(join(layers.directory, "extensions")) : [];
  if (extensions.length > 0) output.warn(`extensions of layers do not run here: ${extensions.join(" ")}`);
  const deployed = (described.layers ?? []).map(layerName);
  if (layers || deployed.length === 0) return;
  const many = deployed.length === 1 ? "a layer" : `${deployed.length} layers`;
  const pull = `brokerctl lambda pull ${name} --to DIR, then --layers DIR/layers`;
  output.say(`brokerctl: ${name} has ${many} (${deployed.join(", ")}), not here: ${pull}${withoutWrapper(described)}`);
}

/** A handler that is itself in a layer wraps the function's own. */
function withoutWrapper({ handler, variables }: FunctionContext): string {
  if (handler?.startsWith(`${OPT}/`) !== true) return "";
  const wrapped = REAL_HANDLERS.map((variable) => variables[variable]).find((value) => value !== undefined);
  return wrapped === undefined ? "" : `; or --handler ${shellQuote(wrapped)}, which the layer wraps`;
}

interface Told extends Pick<CliContext, "output"> {
  readonly layers: Layers | undefined;
}

/** Where wrappers are told the handler that they wrap. */
const REAL_HANDLERS = ["DD_LAMBDA_HANDLER", "NEW_RELIC_LAMBDA_HANDLER", "LUMIGO_ORIGINAL_HANDLER"];

function namesIn(directory: string): readonly string[] {
  return existsSync(directory) ? readdirSync(directory) : [];
}
