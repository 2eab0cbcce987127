import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { shellQuote } from "../../core/shell-quote.js";
import type { InvocationOutcome } from "../../runtime-api/invocation-outcome.js";
import type { LocalFunction } from "./deployed-function.js";
import type { Layers } from "./layers.js";

type Failed = Pick<LocalFunction, "context" | "taskRoot" | "layers">;

/** What to do where a module was not found; undefined: that was not what failed. */
export function missingModuleHint(failed: Failed, error: InvocationOutcome["error"]): string | undefined {
  if (error === undefined) return undefined;
  const { handler } = failed.context;
  const missing = moduleIn(error.errorMessage);
  if (missing && !isOwnFile(missing.name, handler)) return hintFor(missing, failed);
  // Mostly because the user is in another directory, or has not built.
  if (error.errorType !== "Runtime.ImportModuleError" || handler === null) return undefined;
  return `--task-root DIR, where ${handler} is found as it is in the deployed code; here it was ${failed.taskRoot}`;
}

function hintFor(missing: Missing, { context, taskRoot, layers }: Failed): string {
  const { name, isPython } = missing;
  const runtime = context.runtime ?? "the runtime";
  const install = installing(missing);
  if (comesWithRuntime(missing, runtime)) {
    const language = isPython ? "Python" : "Node";
    return `${install}    # in ${taskRoot}: ${name} comes with Lambda's ${runtime}, and not with ${language}`;
  }
  if (layers)
    return (
      inLayersHint(missing, { layers, runtime }) ??
      `${install}    # in ${taskRoot}: ${name} is neither there nor in the layers (${layers.directory})`
    );
  if ((context.layers ?? []).length > 0) {
    const pull = `brokerctl lambda pull ${context.functionName} --to DIR, then --layers DIR/layers`;
    return `${pull}    # ${name} may be of a layer; it is not in ${taskRoot}`;
  }
  const looked = isPython ? "what python3 has" : "node_modules of the directories above";
  return `${install}    # looked in ${taskRoot} and in ${looked}`;
}

/** The name is what the function's error says: it may hold anything. */
function installing({ name, isPython }: Missing): string {
  const pip = Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name] : undefined;
  return isPython ? `python3 -m pip install ${shellQuote(pip ?? name)}` : `npm install ${shellQuote(name)}`;
}

/** undefined: no layer has it. */
function inLayersHint(
  missing: Missing,
  { layers, runtime }: { readonly layers: Layers; readonly runtime: string },
): string | undefined {
  const held = placeInLayers(missing, layers.directory);
  return held && `${held} is there, but ${runtime} does not look in that directory`;
}

interface Missing {
  /** What is installed: of `@a/b/c` and `a.b` the first part. */
  readonly name: string;
  readonly isPython: boolean;
}

function moduleIn(message: string): Missing | undefined {
  const python = /No module named '([^']+)'/.exec(message)?.[1];
  if (python !== undefined) return { name: python.split(".")[0] ?? python, isPython: true };
  const found = /Cannot find (?:module|package) '([^']+)'/.exec(message)?.[1];
  if (found === undefined) return undefined;
  const depth = found.startsWith("@") ? 2 : 1;
  return { name: /^[./]/.test(found) ? found : found.split("/").slice(0, depth).join("/"), isPython: false };
}

function isOwnFile(name: string, handler: string | null): boolean {
  const [module = ""] = basename(handler ?? "").split(".");
  return /^[./]/.test(name) || name === module || name === (handler ?? "").split("/")[0]?.split(".")[0];
}

/** Beside its dependencies, which few functions import themselves. */
const OF_PYTHON = [
  "boto3",
  "botocore",
  "s3transfer",
  "jmespath",
  "dateutil",
  "six",
  "urllib3",
  "snapshot_restore_py",
  "awslambdaric",
];
/** What pip calls them, where that is another name. */
const OTHER_NAMES: Readonly<Record<string, string>> = { dateutil: "python-dateutil" };
const FIRST_WITH_SDK_3 = 18;

/** https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html and lambda-python.html, "Runtime-included SDK versions". */
function comesWithRuntime({ name, isPython }: Missing, runtime: string): boolean {
  if (isPython) return OF_PYTHON.includes(name);
  const node = Number(/^nodejs(\d+)/.exec(runtime)?.[1]);
  return node >= FIRST_WITH_SDK_3 ? /^@(?:aws-sdk|smithy)\//.test(name) : name === "aws-sdk";
}

/** Another version's directory, as of a layer made for another runtime. */
function placeInLayers({ name, isPython }: Missing, directory: string): string | undefined {
  const language = join(directory, isPython ? "python" : "nodejs");
  const below = isPython ? join(language, "lib") : language;
  const versions = existsSync(below) ? readdirSync(below) : [];
  const places = isPython
    ? versions.map((version) => join(below, version, "site-packages"))
    : versions.map((version) => join(below, version, "node_modules"));
  return places.map((place) => join(place, name)).find((path) => existsSync(path) || existsSync(`${path}.py`));
}
