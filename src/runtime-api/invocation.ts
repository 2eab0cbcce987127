import { randomBytes, randomUUID } from "node:crypto";
import type { Clock } from "../system/clock.js";
import { deferred } from "./deferred.js";

export interface InvocationOptions {
  /** JSON, as the handler gets it. */
  readonly event: Buffer;
  readonly functionArn: string;
  readonly timeoutMs: number;
  /** JSON of `ClientContext`, which mobile SDKs send. */
  readonly clientContext?: string | undefined;
  /** JSON: `{"cognitoIdentityId","cognitoIdentityPoolId"}`. */
  readonly cognitoIdentity?: string | undefined;
}

/** What the runtime posted for the event. An error's payload is JSON `{"errorMessage","errorType",…}`. */
export type RuntimeAnswer =
  | {
      readonly kind: "response";
      readonly payload: Buffer;
      readonly contentType: string | undefined;
      /** It went to the reader as it came; `payload` is empty. */
      readonly streamedBytes: number | undefined;
    }
  | { readonly kind: "error"; readonly payload: Buffer; readonly errorType: string };

export type RuntimeError = Extract<RuntimeAnswer, { kind: "error" }>;

/**
 * starting: the runtime has not asked for the event · running: it has it · answering: it posts · answered · finished: it
 * asked for another event, so that nothing of this one runs any more · init-failed: it said that it cannot start.
 */
export type InvocationPhase = "starting" | "running" | "answering" | "answered" | "finished" | "init-failed";

/**
 * One event on its way through a runtime: what may come next, and when it came. The order is the Runtime API's own
 * (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html): next, then response or error, then next.
 */
export class Invocation {
  readonly requestId = randomUUID();
  readonly #options: InvocationOptions;
  readonly #clock: Clock;
  readonly #taken = deferred<undefined>();
  readonly #answered = deferred<RuntimeAnswer>();
  readonly #finished = deferred<undefined>();
  readonly #initFailed = deferred<RuntimeError>();
  #phase: InvocationPhase = "starting";
  #takenAt: number | undefined;
  #answer: RuntimeAnswer | undefined;

  constructor(options: InvocationOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
  }

  get phase(): InvocationPhase {
    return this.#phase;
  }

  /** Epoch milliseconds; undefined before the runtime took the event. */
  get takenAt(): number | undefined {
    return this.#takenAt;
  }

  get answer(): RuntimeAnswer | undefined {
    return this.#answer;
  }

  get event(): Buffer {
    return this.#options.event;
  }

  /** The runtime has the event; from here the timeout counts. */
  get taken(): Promise<undefined> {
    return this.#taken.promise;
  }

  get answered(): Promise<RuntimeAnswer> {
    return this.#answered.promise;
  }

  get finished(): Promise<undefined> {
    return this.#finished.promise;
  }

  get initFailed(): Promise<RuntimeError> {
    return this.#initFailed.promise;
  }

  /** Hands the event out; the headers that go with it. */
  take(): Readonly<Record<string, string>> {
    const { functionArn, timeoutMs, clientContext, cognitoIdentity } = this.#options;
    this.#phase = "running";
    this.#takenAt = this.#clock.now();
    this.#taken.resolve(undefined);
    return {
      "Content-Type": "application/json",
      "Lambda-Runtime-Aws-Request-Id": this.requestId,
      "Lambda-Runtime-Deadline-Ms": String(this.#takenAt + timeoutMs),
      "Lambda-Runtime-Invoked-Function-Arn": functionArn,
      "Lambda-Runtime-Trace-Id": traceId(this.#takenAt),
      ...(clientContext !== undefined && { "Lambda-Runtime-Client-Context": clientContext }),
      ...(cognitoIdentity !== undefined && { "Lambda-Runtime-Cognito-Identity": cognitoIdentity }),
    };
  }

  /** The runtime begins to post: a second post is out of order from now on. */
  beginAnswer(): void {
    this.#phase = "answering";
  }

  acceptAnswer(answer: RuntimeAnswer): void {
    this.#phase = "answered";
    this.#answer = answer;
    this.#answered.resolve(answer);
  }

  finish(): void {
    this.#phase = "finished";
    this.#finished.resolve(undefined);
  }

  failInit(error: RuntimeError): void {
    this.#phase = "init-failed";
    this.#initFailed.resolve(error);
  }
}

/** X-Ray's form, not sampled: there is no daemon here that segments could be sent to. */
function traceId(now: number): string {
  const seconds = Math.floor(now / 1000).toString(16);
  return `Root=1-${seconds}-${randomBytes(12).toString("hex")};Parent=${randomBytes(8).toString("hex")};Sampled=0`;
}
