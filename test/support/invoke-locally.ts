import { resolve } from "node:path";
import { PassThrough, Writable } from "node:stream";
import type { InvocationOutcome } from "../../src/runtime-api/invocation-outcome.js";
import { type RunFunctionOptions, runFunction } from "../../src/runtime-api/run-function.js";
import type { ShippedClients } from "../../src/runtime-api/runtime-client.js";
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

/** Runs one invocation to its end, on the system's clock unless another is given. */
export async function run({ command: [file = "", ...args], event = {}, ...options }: RunOptions): Promise<Ran> {
  const logs = new Collected();
  const streamed = new Collected();
  const outcome = await runFunction({
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
  });
  const text = outcome.payload.toString();
  return { outcome, logs: logs.text, streamed: streamed.text, result: text === "" ? undefined : JSON.parse(text) };
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
