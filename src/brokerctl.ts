#!/usr/bin/env node
import { readFileSync, writeSync } from "node:fs";

/**
 * The entry of the command line: the only place of it that reads the process's arguments and environment, and that ends
 * it. `--version` is answered before anything else is loaded. What fails here, or outside of any command, is reported in plain
 * words, and a shell that evaluates our output (`env`) still drops its old keys: so this file imports nothing of
 * ours at its head, and its syntax is old enough for the Nodes that it refuses.
 */
const SIGNAL_PATIENCE_MS = 200;
/** What shells add to the number of the signal that ended a command. */
const SIGNAL_BASE = 128;
/** `engines` in package.json; a test compares. */
const LEAST_NODE = [20, 19] as const;
const STDOUT = 1;
const STDERR = 2;

const argv = process.argv.slice(2);
/** Its output is evaluated: a shell that gets nothing keeps the keys of an earlier evaluation. */
const isEvaluated = argv[0] === "env" || (argv[0] === "lambda" && argv[1] === "env");

async function main(): Promise<void> {
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    readonly version: string;
  };
  if (argv.length === 1 && argv[0] === "--version") return void process.stdout.write(`brokerctl ${version}\n`);
  refuseOldNode();
  if (isEvaluated) guardSignals();
  const [{ runCli }, { createHost }] = await Promise.all([import("./cli/cli.js"), import("./cli/host.js")]);
  const daemonScript = new URL("./brokerd.js", import.meta.url);
  const onReaderGone = (): never => process.exit(0);
  const onOutputLost = (reason: string): never => {
    process.stderr.write(`brokerctl: error: cannot write the output: ${reason}\n`);
    process.exit(1);
  };
  const host = createHost({ process, env: process.env, version, daemonScript, onReaderGone, onOutputLost });
  const outcome = await runCli(argv, host);
  if (typeof outcome === "number") process.exitCode = outcome;
  else await dieBy(outcome.signal);
}

/** As the child died: a shell then knows that Ctrl-C was meant for it as well. */
async function dieBy(signal: NodeJS.Signals): Promise<void> {
  const { constants } = await import("node:os");
  // Node ignores this one until a listener for it has come and gone.
  if (signal === "SIGPIPE") process.once(signal, () => undefined);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  // Still here: the parent had the signal ignored (nohup).
  setTimeout(() => process.exit(SIGNAL_BASE + constants.signals[signal]), SIGNAL_PATIENCE_MS);
}

class OldNode extends Error {}

function refuseOldNode(): void {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1])) return;
  throw new OldNode(
    `brokerctl needs Node.js ${LEAST_NODE.join(".")} or newer, and was started by ${process.versions.node} (${process.execPath})`,
  );
}

/** `eval "$(timeout 5 brokerctl env)"`, or a terminal that is closed. */
function guardSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => void printGuard().then(() => dieBy(signal)));
  }
}

let isFailing = false;

/** For unexpected failures; every expected one is reported by the command itself. */
async function fail(error: unknown): Promise<void> {
  if (isFailing) return;
  isFailing = true;
  if (isEvaluated) await printGuard();
  const [what, hint] = explain(error);
  const told = argv.includes("--json")
    ? JSON.stringify({ error: { code: "InternalError", message: what, hint } })
    : `brokerctl: error: ${what}\nbrokerctl: hint: ${hint}`;
  write(STDERR, `${told}\n`);
  const runsAnother = argv[0] === "exec" || argv[0] === "forward" || (argv[0] === "lambda" && argv[1] === "exec");
  process.exit(runsAnother ? 125 : 1);
}

function explain(error: unknown): readonly [message: string, hint: string] {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof OldNode) return [message, "install a newer Node.js, or put its directory first in PATH"];
  if (isOutOfFiles(error)) return ["the limit of open files is too low to run brokerctl", "ulimit -n 1024"];
  if (!isBrokenInstallation(error)) return [`unexpected: ${message}`, "brokerctl logs"];
  return [`this installation is not whole: ${message.split("\n")[0] ?? ""}`, "install credbroker again"];
}

function isOutOfFiles(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "EMFILE" || error.code === "ENFILE");
}

function isBrokenInstallation(error: unknown): boolean {
  if (error instanceof SyntaxError) return true;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND" || code === "ENOENT";
}

async function printGuard(): Promise<void> {
  write(STDOUT, await guardText());
}

async function guardText(): Promise<string> {
  try {
    const { failureText } = await import("./cli/access/print-changes.js");
    return failureText(argv, process.env);
  } catch {
    return plainGuard();
  }
}

/** What our own code says of a failure, where not even that can be loaded: what an SDK reads keys from is unset. */
function plainGuard(): string {
  const names = Object.keys(process.env).filter(
    (name) => /^(?:AWS|AMAZON)_[A-Z0-9_]+$/.test(name) && !isHarmless(name),
  );
  const wants = (format: string): boolean => argv.join(" ").replace("=", " ").includes(`--format ${format}`);
  if (wants("json")) return `${JSON.stringify({ set: {}, unset: names })}\n`;
  if (wants("dotenv")) return "";
  const all = ["AWS_ACCESS_KEY_ID", ...names].join(" ");
  if (wants("fish")) return `set -e ${all}; true;\nfalse;\n`;
  if (wants("powershell")) {
    const paths = all.split(" ").map((name) => `'Env:${name}'`);
    return `Remove-Item -ErrorAction SilentlyContinue ${paths.join(", ")};\n$global:LASTEXITCODE = 1; Write-Error 'brokerctl env failed'\n`;
  }
  return `unset ${all};\nfalse\n`;
}

/** Where and how, not who. */
function isHarmless(name: string): boolean {
  return /^AWS_(?:(?:DEFAULT_)?REGION|ENDPOINT_URL.*|CA_BUNDLE|USE_.*|PAGER|.*OUTPUT|CONFIG_FILE|SHARED_CREDENTIALS_FILE)$/.test(
    name,
  );
}

/** The reader may be gone. */
function write(descriptor: number, text: string): void {
  try {
    writeSync(descriptor, text);
  } catch {
    // Nothing is left to report it to.
  }
}

// Last: a class above is not there for what runs before its line.
process.on("uncaughtException", (error) => void fail(error));
process.on("unhandledRejection", (error) => void fail(error));
main().catch(fail);
