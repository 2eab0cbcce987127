import { setMaxListeners } from "node:events";
import type { Writable } from "node:stream";
import { hasErrno } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import type { InvocationOutcome } from "../../runtime-api/invocation-outcome.js";
import { runFunction } from "../../runtime-api/run-function.js";
import { chooseRuntimeClient, type Debugging, type RuntimeClient } from "../../runtime-api/runtime-client.js";
import type { RuntimeCommand } from "../../runtime-api/runtime-process.js";
import { endMarked } from "../../system/end-marked.js";
import { ProcPeers } from "../../system/peer-identity.js";
import { killGroup } from "../../system/run-program.js";
import type { Outcome } from "../command.js";
import type { CliContext, Environment } from "../context.js";
import { EXEC_EXIT, EXIT } from "../exit-codes.js";
import { DenialWatch } from "./denial-watch.js";
import type { LocalFunction } from "./deployed-function.js";
import { timeLimitMs } from "./lambda-options.js";
import { inLayers, type Layers, refuseHidden, wrappedClient } from "./layers.js";
import { missingModuleHint } from "./missing-module.js";
import { denialOf, tellDenial } from "./tell-denial.js";

interface InvocationWanted {
  readonly event: Buffer;
  readonly clientContext: string | undefined;
  readonly timeoutMs: number | undefined;
  /** The runtime interface client; none: by runtime and handler. */
  readonly command: readonly string[];
  readonly debugging: Debugging | undefined;
  readonly signal: AbortSignal;
}

/** One invocation: its result to stdout, everything else to stderr. */
export async function runLocally(
  local: LocalFunction,
  wanted: InvocationWanted,
  context: CliContext,
): Promise<Outcome> {
  const logs = new DenialWatch(context.streams().stderr);
  try {
    const outcome = await invoke(local, { ...wanted, logs }, context);
    await logs.passedOn();
    await writeAll(context.streams().stdout, resultOf(outcome));
    if (outcome.status !== "success") tellFailure(local, outcome, context);
    const denial = denialOf(outcome, logs.take(), local);
    if (denial) await tellDenial(local, denial, context);
    return outcome.status === "success" ? EXIT.done : EXIT.failed;
  } catch (error) {
    return cannotRun(error, context);
  } finally {
    endLeftovers([local]);
  }
}

async function invoke(
  { context: described, env, taskRoot, layers }: LocalFunction,
  { command, debugging, ...wanted }: InvocationWanted & { readonly logs: Writable },
  context: CliContext,
): Promise<InvocationOutcome> {
  const client = await chooseRuntimeClient({ context: described, command, taskRoot, env, debugging });
  for (const note of client.notes) context.output.warn(note);
  tellDebugger(described.functionName, client, context);
  context.output.progress.end();
  const { stdout } = context.streams();
  return runFunction({
    ...wanted,
    context: described,
    timeoutMs: timeLimitMs({ given: wanted.timeoutMs, own: described.timeout, isDebugged: debugging !== undefined }),
    command:
      command.length === 0 ? wrappedClient(client, { context: described, env, layers }) : inOwn(client, env, layers),
    env,
    cwd: taskRoot,
    streamTo: stdout,
    clock: context.clock,
    peers: new ProcPeers({ clock: context.clock }),
    killGroup,
  });
}

/** CMD is started as it stands; the function's wrapper is for Lambda's own clients. */
function inOwn(client: RuntimeClient, env: Environment, layers: Layers | undefined): RuntimeCommand {
  if (!layers) return client;
  refuseHidden(client, env);
  return inLayers(client, layers);
}

/** What runs of functions started and what then left their process groups: it has no lease any more, and in Lambda it would not run on. */
export function endLeftovers(locals: readonly LocalFunction[]): void {
  endMarked(locals.flatMap(markOf));
}

/** As we make them: a random number ends it. */
const LOG_STREAM = /\][0-9a-f]{32}$/;

/** The name of its log stream, which nothing else on this machine has in its environment; one that the user set may be elsewhere, too. */
function markOf({ env }: LocalFunction): readonly string[] {
  const { AWS_LAMBDA_LOG_STREAM_NAME: name = "" } = env;
  return LOG_STREAM.test(name) ? [`AWS_LAMBDA_LOG_STREAM_NAME=${name}`] : [];
}

/** Any program of this machine reaches the port, and a debugger has what the function has. */
export function tellDebugger(name: string, { debugger: place }: RuntimeClient, { output }: CliContext): void {
  if (place === undefined) return;
  output.say(
    `brokerctl: a debugger may attach to ${name} at ${place}; from any user of this machine, and with the function's credentials`,
  );
}

/** A streamed response is out already; JSON gets the newline that a terminal wants. */
function resultOf({ payload, contentType = "application/json" }: InvocationOutcome): Buffer {
  const isJson = contentType.startsWith("application/json");
  return payload.length > 0 && isJson ? Buffer.concat([payload, Buffer.from("\n")]) : payload;
}

/** Resolves when the bytes are with the system: the process may end then. */
async function writeAll(stream: Writable, bytes: Buffer): Promise<void> {
  if (bytes.length === 0) return;
  // A reader that is gone, and a full disk, are told of by the stream's own listeners.
  await new Promise<void>((resolve) => stream.write(bytes, () => resolve()));
}

const MAX_TOLD = 500;

function tellFailure(local: LocalFunction, { error, status }: InvocationOutcome, { output }: CliContext): void {
  const { functionName } = local.context;
  const said = error ? `${error.errorType}: ${error.errorMessage}` : status;
  const short = said.length > MAX_TOLD ? `${said.slice(0, MAX_TOLD)}…` : said;
  output.say(`brokerctl: ${functionName} failed: ${short}`);
  const hint = missingModuleHint(local, error);
  if (hint !== undefined) output.hint(hint);
}

/** As of commands that exec runs: 126 and 127 where the runtime itself cannot be started. */
function cannotRun(error: unknown, { output }: CliContext): number {
  if (!(error instanceof BrokerError) || error.code !== "UsageInvalid") throw error;
  const notFound = hasErrno(error.cause, "ENOENT", "ENOTDIR");
  if (!notFound && !hasErrno(error.cause, "EACCES", "EPERM", "ENOEXEC")) throw error;
  output.error(error);
  return notFound ? EXEC_EXIT.notFound : EXEC_EXIT.notExecutable;
}

const ENDING: readonly NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/** Runs `work`; a signal that would end us aborts it instead, and ends us when it has cleaned up. */
export async function untilInterrupted(work: (signal: AbortSignal) => Promise<Outcome>): Promise<Outcome> {
  const controller = new AbortController();
  // One for each event that runs: more than ten are no mistake.
  setMaxListeners(0, controller.signal);
  let received: NodeJS.Signals | undefined;
  const interrupt = (signal: NodeJS.Signals): void => {
    received ??= signal;
    controller.abort(new Error(signal));
  };
  for (const signal of ENDING) process.on(signal, interrupt);
  try {
    return await work(controller.signal);
  } catch (error) {
    if (received !== undefined && error === controller.signal.reason) return { signal: received };
    throw error;
  } finally {
    for (const signal of ENDING) process.off(signal, interrupt);
  }
}
