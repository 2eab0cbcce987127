import type { Writable } from "node:stream";
import type { FunctionContext } from "../core/function-context.js";
import type { Clock } from "../system/clock.js";
import type { PeerIdentity } from "../system/peer-identity.js";
import { Invocation, type InvocationOptions } from "./invocation.js";
import { InvocationLog } from "./invocation-log.js";
import { conclude, type Ending, type InvocationOutcome } from "./invocation-outcome.js";
import { endLine, failureLines, reportLine, startLine } from "./invocation-report.js";
import { RuntimeApiServer } from "./runtime-api-server.js";
import { type KillGroup, type RuntimeCommand, RuntimeProcess } from "./runtime-process.js";
import { TreeMemory } from "./tree-memory.js";

export interface RunFunctionOptions extends Omit<InvocationOptions, "functionArn"> {
  readonly context: Pick<FunctionContext, "functionArn" | "version" | "memorySize">;
  /** The runtime interface client. */
  readonly command: RuntimeCommand;
  /** All of its environment; `AWS_LAMBDA_RUNTIME_API` is added. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the function's code is. */
  readonly cwd: string;
  /** What the runtime prints, and Lambda's START, END and REPORT lines. Not closed. */
  readonly logs: Writable;
  /** A streamed response, as it comes. Not closed. */
  readonly streamTo: Writable;
  readonly clock: Clock;
  /** Whose the programs are that ask for the event. */
  readonly peers: PeerIdentity;
  readonly killGroup: KillGroup;
  /** Ends the runtime; the call then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** Lambda's limit for the init phase: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html */
const INIT_LIMIT_MS = 10_000;
const MEMORY_SAMPLE_MS = 250;
/** How long what an ended runtime had sent is waited for: something it started may hold its connections open. */
const LAST_WORDS_MS = 1_000;

/**
 * Runs one invocation in a fresh runtime, as a cold start of Lambda does, and ends the runtime with all that it started.
 * Whatever the function does is an outcome; it rejects when the command cannot be run, or when `signal` says so.
 */
export async function runFunction(options: RunFunctionOptions): Promise<InvocationOutcome> {
  const { context, clock, streamTo, peers } = options;
  options.signal?.throwIfAborted();
  const log = new InvocationLog(options.logs);
  const invocation = new Invocation({ ...options, functionArn: context.functionArn }, clock);
  const api = await RuntimeApiServer.start({ invocation, streamTo, peers });
  try {
    const env = { ...options.env, AWS_LAMBDA_RUNTIME_API: api.address };
    const startedAt = clock.now();
    const runtime = await RuntimeProcess.start({ ...options, env, log });
    return await followRuntime(runtime, { options, invocation, api, log, startedAt });
  } finally {
    await api.close();
    log.close();
  }
}

interface Run {
  readonly options: RunFunctionOptions;
  readonly invocation: Invocation;
  readonly api: RuntimeApiServer;
  readonly log: InvocationLog;
  readonly startedAt: number;
}

async function followRuntime(runtime: RuntimeProcess, run: Run): Promise<InvocationOutcome> {
  const { options, invocation, log, startedAt } = run;
  const { clock, context } = options;
  const memory = new TreeMemory(runtime.pid);
  const stopSampling = sampleRegularly(memory, clock);
  let ending: Ending;
  let endedAt: number;
  try {
    ending = await endOf(runtime, run, memory);
    endedAt = clock.now();
    memory.sample();
    if (ending.kind !== "timeout") await runtime.printed();
  } finally {
    stopSampling();
    await runtime.end();
  }
  const { takenAt } = invocation;
  const initError = invocation.phase === "init-failed" ? await invocation.initFailed : undefined;
  const outcome: InvocationOutcome = {
    ...conclude(invocation, ending, initError),
    phase: takenAt === undefined ? "init" : "invoke",
    requestId: invocation.requestId,
    initDurationMs: takenAt === undefined ? undefined : takenAt - startedAt,
    durationMs: endedAt - (takenAt ?? startedAt),
    maxMemoryBytes: memory.maxBytes,
    exit: ending.kind === "exited" ? ending.exit : undefined,
  };
  if (takenAt === undefined) await log.line(startLine(outcome.requestId, context.version));
  const limitMs = ending.kind === "timeout" ? ending.limitMs : options.timeoutMs;
  for (const line of failureLines(outcome, endedAt, limitMs)) await log.line(line);
  await log.line(endLine(outcome.requestId));
  await log.line(reportLine(outcome, context.memorySize));
  return outcome;
}

/** Waits until the runtime is through with the event, or cannot be any more. */
async function endOf(runtime: RuntimeProcess, run: Run, memory: TreeMemory): Promise<Ending> {
  const { invocation, options, log, api } = run;
  const exited = runtime.exited.then(async (exit): Promise<Ending> => {
    await within(options, LAST_WORDS_MS, api.idle());
    return { kind: "exited", exit };
  });
  const initLimitMs = INIT_LIMIT_MS + options.timeoutMs;
  const initFailed = invocation.initFailed.then((): Ending => ({ kind: "init-failed" }));
  const init = await within(options, initLimitMs, Promise.race([invocation.taken, initFailed, exited]));
  if (init === TIMED_OUT) return { kind: "timeout", limitMs: initLimitMs };
  if (init !== undefined && invocation.takenAt === undefined) return init;
  // Not awaited: the timeout counts while a slow reader takes the line.
  void log.line(startLine(invocation.requestId, options.context.version));
  memory.sample();
  const finished = invocation.finished.then((): Ending => ({ kind: "finished" }));
  const end = await within(options, options.timeoutMs, Promise.race([finished, exited]));
  return end === TIMED_OUT ? { kind: "timeout", limitMs: options.timeoutMs } : end;
}

const TIMED_OUT: unique symbol = Symbol("timed out");

/** The promise's value, or TIMED_OUT; rejects when the caller's signal is aborted. */
async function within<T>(
  { clock, signal }: Pick<RunFunctionOptions, "clock" | "signal">,
  limitMs: number,
  promise: Promise<T>,
): Promise<T | typeof TIMED_OUT> {
  const over = new AbortController();
  const limit = clock.sleep(limitMs, over.signal).then((): typeof TIMED_OUT => TIMED_OUT);
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(signal?.reason as Error);
    signal?.addEventListener("abort", onAbort, { once: true, signal: over.signal });
    if (signal?.aborted) onAbort();
  });
  limit.catch(() => undefined);
  aborted.catch(() => undefined);
  try {
    return await Promise.race([promise, limit, aborted]);
  } finally {
    over.abort(new Error("over"));
  }
}

function sampleRegularly(memory: TreeMemory, clock: Clock): () => void {
  let cancel = (): void => undefined;
  const sample = (): void => {
    memory.sample();
    cancel = clock.after(MEMORY_SAMPLE_MS, sample);
  };
  sample();
  return () => cancel();
}
