import { resolve } from "node:path";
import { PassThrough, Writable } from "node:stream";
import type { InvocationOutcome } from "../../src/runtime-api/invocation-outcome.js";
import { type RunFunctionOptions, runFunction } from "../../src/runtime-api/run-function.js";
import type { ShippedClients } from "../../src/runtime-api/runtime-client.js";
import { Sandbox } from "../../src/runtime-api/sandbox.js";
import { SystemClock } from "../../src/system/clock.js";
import { ProcPeers } from "../../src/system/peer-identity.js";
import { killGroup } from "../../src/system/run-program.js";

export const FUNCTION_ARN = "arn:aws:lambda:eu-west-1:111111111111:function:orders";

/** As `npm run build` leaves them. */
export const BUILT_CLIENTS: ShippedClients = {
  nodePath: process.execPath,
  nodeBootstrap: resolve("dist/lambda-bootstrap.mjs"),
  pythonBootstrap: resolve("src/runtime-api/lambda_bootstrap.py"),
};

/** Nothing of the user who runs the tests but where programs and their settings are. */
export const LOCAL_ENV: Readonly<Record<string, string>> = {
  PATH: process.env["PATH"] ?? "",
  HOME: process.env["HOME"] ?? "",
  AWS_LAMBDA_FUNCTION_NAME: "orders",
  AWS_LAMBDA_FUNCTION_VERSION: "7",
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256",
};

export interface Ran {
  readonly outcome: InvocationOutcome;
  readonly logs: string;
  readonly streamed: string;
  /** The payload, parsed. */
  readonly result: unknown;
}

export type RunOptions = Partial<Omit<RunFunctionOptions, "event" | "command">> & {
  readonly command: readonly string[];
  readonly event?: unknown;
};

/** What came of one of several events. */
export type RanInTurn = Omit<Ran, "result">;

/** Runs one invocation to its end, on the system's clock unless another is given. */
export async function run(options: RunOptions): Promise<Ran> {
  const kept = { logs: new Collected(), streamed: new Collected() };
  const outcome = await runFunction(completed(options, kept));
  const text = outcome.payload.toString();
  const result: unknown = text === "" ? undefined : JSON.parse(text);
  return { outcome, logs: kept.logs.text, streamed: kept.streamed.text, result };
}

/** One runtime gets one event after the other; each has the logs of all until then. */
export async function runInTurn(options: RunOptions, events: readonly unknown[]): Promise<RanInTurn[]> {
  const logs = new Collected();
  const sandbox = new Sandbox(completed(options, { logs, streamed: new Collected() }));
  const ran: RanInTurn[] = [];
  try {
    for (const [index, event] of events.entries()) {
      const streamed = new Collected();
      const isKept = index < events.length - 1;
      const outcome = await sandbox.invoke({ ...completed({ ...options, event }, { logs, streamed }), isKept });
      ran.push({ outcome, logs: logs.text, streamed: streamed.text });
    }
  } finally {
    await sandbox.close();
  }
  return ran;
}

function completed(
  { command: [file = "", ...args], event = {}, ...options }: RunOptions,
  { logs, streamed }: { readonly logs: Collected; readonly streamed: Collected },
): RunFunctionOptions {
  return {
    killGroup,
    context: { functionArn: FUNCTION_ARN, version: "7", memorySize: 256 },
    timeoutMs: 30_000,
    env: LOCAL_ENV,
    cwd: ".",
    logs,
    streamTo: streamed,
    clock: new SystemClock(),
    peers: new ProcPeers({ clock: new SystemClock() }),
    ...options,
    command: { file, args },
    event: Buffer.from(JSON.stringify(event)),
  };
}

/** Keeps what is written, and tells when it holds a text. */
export class Collected extends Writable {
  text = "";
  #waiting: (() => void)[] = [];

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const look of waiting) look();
    done();
  }

  async holds(text: string): Promise<void> {
    while (!this.text.includes(text)) await new Promise<void>((look) => this.#waiting.push(look));
  }
}

/** Counts and forgets: what is written through it is never held anywhere. */
export class Counted extends PassThrough {
  bytes = 0;

  constructor() {
    super();
    this.on("data", (chunk: Buffer) => (this.bytes += chunk.length));
  }
}
