import type { Writable } from "node:stream";
import { hasErrno } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import type { InvocationOutcome } from "../../runtime-api/invocation-outcome.js";
import { runFunction } from "../../runtime-api/run-function.js";
import { chooseRuntimeClient } from "../../runtime-api/runtime-client.js";
import { ProcPeers } from "../../system/peer-identity.js";
import { killGroup } from "../../system/run-program.js";
import type { Outcome } from "../command.js";
import type { CliContext } from "../context.js";
import { EXEC_EXIT, EXIT } from "../exit-codes.js";
import type { LocalFunction } from "./deployed-function.js";

interface InvocationWanted {
  readonly event: Buffer;
  readonly clientContext: string | undefined;
  readonly timeoutMs: number | undefined;
  /** The runtime interface client; none: by runtime and handler. */
  readonly command: readonly string[];
  readonly signal: AbortSignal;
}

/** One invocation: its result to stdout, everything else to stderr. */
export async function runLocally(
  local: LocalFunction,
  wanted: InvocationWanted,
  context: CliContext,
): Promise<Outcome> {
  try {
    const outcome = await invoke(local, wanted, context);
    await writeAll(context.streams().stdout, resultOf(outcome));
    if (outcome.status === "success") return EXIT.done;
    tellFailure(local, outcome, context);
    return EXIT.failed;
  } catch (error) {
    return cannotRun(error, context);
  }
}

async function invoke(
  { context: described, env, taskRoot }: LocalFunction,
  { command, ...wanted }: InvocationWanted,
  context: CliContext,
): Promise<InvocationOutcome> {
  const client = await chooseRuntimeClient({ context: described, command, taskRoot, env });
  for (const note of client.notes) context.output.warn(note);
  context.output.progress.end();
  const { stdout, stderr } = context.streams();
  return runFunction({
    ...wanted,
    context: described,
    timeoutMs: wanted.timeoutMs ?? described.timeout * 1000,
    command: client,
    env,
    cwd: taskRoot,
    logs: stderr,
    streamTo: stdout,
    clock: context.clock,
    peers: new ProcPeers({ clock: context.clock }),
    killGroup,
  });
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
  const { functionName, handler } = local.context;
  const said = error ? `${error.errorType}: ${error.errorMessage}` : status;
  const short = said.length > MAX_TOLD ? `${said.slice(0, MAX_TOLD)}…` : said;
  output.say(`brokerctl: ${functionName} failed: ${short}`);
  // Mostly because the user is in another directory, or has not built.
  if (error?.errorType !== "Runtime.ImportModuleError" || handler === null) return;
  output.hint(
    `--task-root DIR, where ${handler} is found as it is in the deployed code; here it was ${local.taskRoot}`,
  );
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
