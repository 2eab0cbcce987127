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

export interface SandboxOptions {
  readonly context: Pick<FunctionContext, "functionArn" | "version" | "memorySize">;
  /** The runtime interface client. */
  readonly command: RuntimeCommand;
  /** All of its environment; `AWS_LAMBDA_RUNTIME_API` is added. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where the function's code is. */
  readonly cwd: string;
  /** What the runtime prints, and Lambda's START, END and REPORT lines. Not closed. */
  readonly logs: Writable;
  readonly clock: Clock;
  /** Whose the programs are that ask for the event. */
  readonly peers: PeerIdentity;
  readonly killGroup: KillGroup;
  /** Ends the runtime; an event that runs then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface SandboxEvent extends Omit<InvocationOptions, "functionArn"> {
  /** A streamed response, as it comes. Not closed. */
  readonly streamTo: Writable;
  /** The runtime is kept for the next event; else it ends with this one. */
  readonly isKept: boolean;
}

/** Lambda's limit for the init phase: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html */
const INIT_LIMIT_MS = 10_000;
const MEMORY_SAMPLE_MS = 250;
/** How long what an ended runtime had sent is waited for: something it started may hold its connections open. */
const LAST_WORDS_MS = 1_000;

interface Running {
  readonly runtime: RuntimeProcess;
  readonly api: RuntimeApiServer;
  readonly memory: TreeMemory;
  readonly stopSampling: () => void;
}

/** One event in a runtime: of a cold start, with when it began. */
interface Run {
  readonly running: Running;
  readonly invocation: Invocation;
  readonly event: SandboxEvent;
  readonly startedAt: number;
  readonly isCold: boolean;
}

interface Ended {
  readonly ending: Ending;
  /** Epoch milliseconds. */
  readonly at: number;
}

/**
 * One runtime of a function, which gets one event after the other as Lambda's execution environment does: started by the first
 * event, kept while all goes well, started anew by the next event after a timeout, a crash or an init that failed.
 */
export class Sandbox {
  readonly #options: SandboxOptions;
  readonly #log: InvocationLog;
  #running: Running | undefined;

  constructor(options: SandboxOptions) {
    this.#options = options;
    this.#log = new InvocationLog(options.logs);
  }

  /** Whether an event would find a runtime that has started. */
  get isWarm(): boolean {
    return this.#running !== undefined;
  }

  /**
   * One at a time. Whatever the function does is an outcome; it rejects when the command cannot be run, or when `signal` says so.
   */
  async invoke(event: SandboxEvent): Promise<InvocationOutcome> {
    const { context, signal, clock } = this.#options;
    signal?.throwIfAborted();
    const invocation = new Invocation({ ...event, functionArn: context.functionArn }, clock);
    const startedAt = clock.now();
    const warm = this.#running;
    if (warm) {
      warm.api.offer({ invocation, streamTo: event.streamTo });
      const outcome = await this.#follow({ running: warm, invocation, event, startedAt, isCold: false });
      if (outcome) return outcome;
    }
    const running = await this.#start({ invocation, event });
    const outcome = await this.#follow({ running, invocation, event, startedAt, isCold: true });
    if (!outcome) throw new Error("a cold start is followed to its end");
    return outcome;
  }

  /** Ends the runtime with all that it started. */
  async close(): Promise<void> {
    await this.#end();
    this.#log.close();
  }

  async #start({ invocation, event }: Pick<Run, "invocation" | "event">): Promise<Running> {
    const { peers, clock } = this.#options;
    const api = await RuntimeApiServer.start({ first: { invocation, streamTo: event.streamTo }, peers });
    try {
      const env = { ...this.#options.env, AWS_LAMBDA_RUNTIME_API: api.address };
      const runtime = await RuntimeProcess.start({ ...this.#options, env, log: this.#log });
      const memory = new TreeMemory(runtime.pid);
      this.#running = { runtime, api, memory, stopSampling: sampleRegularly(memory, clock) };
      const started = this.#running;
      // One that ends while it waits for an event is not asked again.
      void runtime.exited.then(() => this.#forget(started));
      return started;
    } catch (error) {
      await api.close();
      throw error;
    }
  }

  #forget(running: Running): void {
    if (this.#running === running) this.#running = undefined;
  }

  /** undefined: the runtime had ended before it was given the event. */
  async #follow(run: Run): Promise<InvocationOutcome | undefined> {
    const { running, invocation, event } = run;
    let ended: Ended;
    let isKept = false;
    try {
      const ending = await this.#endOf(run);
      ended = { ending, at: this.#options.clock.now() };
      running.memory.sample();
      isKept = event.isKept && ending.kind === "finished";
      if (isKept) await running.runtime.printedSoon();
      else if (ending.kind !== "timeout") await running.runtime.printed();
    } finally {
      if (!isKept) await this.#end(running);
    }
    if (!run.isCold && invocation.takenAt === undefined && ended.ending.kind === "exited") return undefined;
    return this.#report(run, ended);
  }

  /** What came of it, with Lambda's lines in the log. */
  async #report(
    { running, invocation, event, isCold, startedAt }: Run,
    { ending, at }: Ended,
  ): Promise<InvocationOutcome> {
    const { takenAt } = invocation;
    const initError = invocation.phase === "init-failed" ? await invocation.initFailed : undefined;
    const outcome: InvocationOutcome = {
      ...conclude(invocation, ending, initError),
      phase: takenAt === undefined ? "init" : "invoke",
      requestId: invocation.requestId,
      initDurationMs: takenAt !== undefined && isCold ? takenAt - startedAt : undefined,
      durationMs: at - (takenAt ?? startedAt),
      maxMemoryBytes: running.memory.maxBytes,
      exit: ending.kind === "exited" ? ending.exit : undefined,
    };
    const { context } = this.#options;
    const limitMs = ending.kind === "timeout" ? ending.limitMs : event.timeoutMs;
    const lines = [
      ...(takenAt === undefined ? [startLine(outcome.requestId, context.version)] : []),
      ...failureLines(outcome, at, limitMs),
      endLine(outcome.requestId),
      reportLine(outcome, context.memorySize),
    ];
    for (const line of lines) await this.#log.line(line);
    return outcome;
  }

  /** Waits until the runtime is through with the event, or cannot be any more. */
  async #endOf({ running: { runtime, api, memory }, invocation, event, isCold }: Run): Promise<Ending> {
    const options = this.#options;
    const exited = runtime.exited.then(async (exit): Promise<Ending> => {
      await within(options, LAST_WORDS_MS, api.idle());
      return { kind: "exited", exit };
    });
    const initLimitMs = event.timeoutMs + (isCold ? INIT_LIMIT_MS : 0);
    const initFailed = invocation.initFailed.then((): Ending => ({ kind: "init-failed" }));
    const init = await within(options, initLimitMs, Promise.race([invocation.taken, initFailed, exited]));
    if (init === TIMED_OUT) return { kind: "timeout", limitMs: initLimitMs };
    if (init !== undefined && invocation.takenAt === undefined) return init;
    // Not awaited: the timeout counts while a slow reader takes the line.
    void this.#log.line(startLine(invocation.requestId, options.context.version));
    if (isCold) memory.sample();
    const finished = invocation.finished.then((): Ending => ({ kind: "finished" }));
    const end = await within(options, event.timeoutMs, Promise.race([finished, exited]));
    return end === TIMED_OUT ? { kind: "timeout", limitMs: event.timeoutMs } : end;
  }

  async #end(running = this.#running): Promise<void> {
    if (!running) return;
    this.#forget(running);
    running.stopSampling();
    await running.runtime.end();
    await running.api.close();
  }
}

const TIMED_OUT: unique symbol = Symbol("timed out");

/** The promise's value, or TIMED_OUT; rejects when the caller's signal is aborted. */
async function within<T>(
  { clock, signal }: Pick<SandboxOptions, "clock" | "signal">,
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
