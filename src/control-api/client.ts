import { connect } from "node:net";
import { hasErrno } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { noAnswer, refusalOf, unreachable } from "./answer-errors.js";
import {
  ANSWER_TIMEOUT_MS,
  CONTROL_PREFIX,
  type ControlOperation,
  type ControlRequest,
  type ControlResponse,
  LAUNCH_TIMEOUT_MS,
  LEASE_HEADER,
  PATIENCE_MS,
  PID_HEADER,
  VERSION_HEADER,
} from "./contract.js";
import { askLaunch, type Launched } from "./launch-client.js";
import type { LaunchRequest } from "./launch-contract.js";

export interface CallOptions {
  /** Gives up waiting; what the daemon has begun goes on. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the daemon counts as not answering. */
  readonly timeoutMs?: number | undefined;
}

/** The control plane as a client sees it, typed by the contract. */
export interface ControlClient {
  call<O extends ControlOperation>(
    operation: O,
    request: ControlRequest<O>,
    options?: CallOptions,
  ): Promise<ControlResponse<O>>;
  /**
   * Several operations in one round trip (launch-contract.ts). undefined: this brokerd does not do that, or not now: the operations
   * themselves do. Rejects as `call` does.
   */
  launch(request: LaunchRequest, options?: CallOptions): Promise<Launched | undefined>;
  /** What the daemon said it is, once it has answered. */
  readonly daemonVersion: string | undefined;
}

export interface ClientIdentity {
  readonly pid: number;
  /** Of the lease that our variables hold; undefined: they hold none. */
  readonly leaseToken: string | undefined;
}

export interface ControlClientOptions {
  readonly socketPath: string;
  /** Ours; sent with each request. */
  readonly version: string;
  /** Who we are, for the record. */
  readonly caller?: ClientIdentity;
  /** For operations that wait for neither AWS nor the user; default 10 s. */
  readonly timeoutMs?: number;
}

/** Errors: the daemon's own with their code; `DaemonUnreachable` when no process listens or no answer comes. */
export function createControlClient(options: ControlClientOptions): ControlClient {
  const { socketPath, version, caller, timeoutMs = ANSWER_TIMEOUT_MS } = options;
  const identity = { [VERSION_HEADER]: version, ...(caller && identityHeaders(caller)) };
  let daemonVersion: string | undefined;
  return {
    get daemonVersion() {
      return daemonVersion;
    },
    async call<O extends ControlOperation>(operation: O, request: ControlRequest<O>, call: CallOptions = {}) {
      const patience = call.timeoutMs ?? PATIENCE_MS[operation] ?? timeoutMs;
      const posted = { socketPath, operation, fields: identity, body: JSON.stringify(request) };
      const answer = await post(posted, { patience, signal: call.signal }).catch((error: unknown) => {
        throw unreachable(error, socketPath);
      });
      daemonVersion = answer.fields.get(VERSION_HEADER) ?? daemonVersion;
      return unwrap(operation, answer) as ControlResponse<O>;
    },
    async launch(request, call = {}) {
      const patience = call.timeoutMs ?? LAUNCH_TIMEOUT_MS;
      const { launched, version: answeredBy } = await within({ ...call, patience }, (signal) =>
        askLaunch({ socketPath, identity }, request, signal),
      ).catch((error: unknown) => {
        throw unreachable(error, socketPath);
      });
      daemonVersion = answeredBy ?? daemonVersion;
      return launched;
    },
  };
}

/** No process listens on the socket: the request was never sent, so it is safe to start a daemon and ask again. */
export function isDialFailure(error: unknown): boolean {
  return (
    error instanceof BrokerError &&
    error.code === "DaemonUnreachable" &&
    hasErrno(error.cause, "ENOENT", "ECONNREFUSED")
  );
}

/** As if no process listened: systemd does, but may not start brokerd for this. */
export function notRunning(): BrokerError {
  const asleep = Object.assign(new Error("the service is not active"), { code: "ECONNREFUSED" });
  return new BrokerError("DaemonUnreachable", "brokerd is not running", { hint: "brokerctl start", cause: asleep });
}

function identityHeaders({ pid, leaseToken }: ClientIdentity): Record<string, string> {
  return { [PID_HEADER]: String(pid), ...(leaseToken !== undefined && { [LEASE_HEADER]: leaseToken }) };
}

/** Aborts what is waited for longer than `patience`. */
async function within<T>(
  { signal, patience }: { readonly signal?: AbortSignal | undefined; readonly patience: number },
  attempt: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(noAnswer("launch", patience)), patience);
  const abort = (): void => controller.abort(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await attempt(controller.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

interface Post {
  readonly socketPath: string;
  readonly operation: ControlOperation;
  /** More fields of the head; of ours: without line breaks. */
  readonly fields: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string;
}

interface Answer {
  readonly status: number;
  /** By names in lower case. */
  readonly fields: ReadonlyMap<string, string>;
  readonly text: string;
}

/**
 * HTTP/1.1 without `node:http`, which takes longer to load than an answer to come: one request a connection, which ends with the
 * answer. Rejects with the system's own error, ECONNRESET where the answer is not whole, `noAnswer`, or the signal's reason.
 */
function post(
  { socketPath, operation, fields, body }: Post,
  { patience, signal }: { readonly patience: number; readonly signal: AbortSignal | undefined },
): Promise<Answer> {
  const bytes = Buffer.from(body);
  const head = { Host: "credbroker", Connection: "close", "Content-Type": "application/json", ...fields };
  const lines = Object.entries({ ...head, "Content-Length": bytes.length });
  const request = `POST ${CONTROL_PREFIX}${operation} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
  return new Promise((resolve, reject) => {
    const received = new Received();
    const settle = (finish: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
      socket.removeAllListeners().on("error", () => undefined);
      socket.destroy();
      finish();
    };
    const take = (hasEnded: boolean): boolean => {
      const answer = received.answer(hasEnded);
      if (answer) settle(() => resolve(answer));
      return answer !== undefined;
    };
    const fail = (why: Error): void => settle(() => reject(why));
    const abort = (): void => fail(signal?.reason as Error);
    // Bytes come without a stream's machinery, most of which Node would compile for us alone.
    const callback = (count: number, buffer: Uint8Array): boolean => {
      received.add(Buffer.copyBytesFrom(buffer, 0, count));
      take(false);
      return true;
    };
    const socket = connect({ path: socketPath, onread: { buffer: Buffer.allocUnsafe(READ_BYTES), callback } });
    // Not the socket's idle timeout: a daemon that sends a byte now and then is not answering either.
    const timer = setTimeout(() => fail(noAnswer(operation, patience)), patience);
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) return abort();
    // What it has said already counts also where it does not read on.
    socket.once("error", (error) => take(false) || fail(error));
    socket.once("end", () => take(true) || fail(brokenOff()));
    socket.once("close", () => take(false) || fail(brokenOff()));
    socket.write(Buffer.concat([Buffer.from(request, "latin1"), bytes]));
  });
}

const READ_BYTES = 64 * 1024;

function brokenOff(): Error {
  return Object.assign(new Error("the connection ended before the answer did"), { code: "ECONNRESET" });
}

class Received {
  #parts: Buffer[] = [];
  #bytes = 0;
  /** With fewer there is no answer: a long one is not looked at with each part. */
  #least = 0;

  add(part: Buffer): void {
    this.#parts.push(part);
    this.#bytes += part.length;
  }

  /** undefined: not all of it has come. */
  answer(hasEnded: boolean): Answer | undefined {
    if (this.#bytes < this.#least) return undefined;
    const all = Buffer.concat(this.#parts);
    this.#parts = [all];
    const headEnd = all.indexOf("\r\n\r\n");
    if (headEnd === -1) return undefined;
    const [first = "", ...lines] = all.toString("latin1", 0, headEnd).split("\r\n");
    const status = /^HTTP\/1\.1 (\d{3})\b/.exec(first)?.[1];
    if (status === undefined) return undefined;
    const fields = new Map(lines.map(fieldOf));
    const begin = headEnd + 4;
    this.#least = begin + Number(fields.get("content-length") ?? 0);
    const body = bodyIn(all.subarray(begin), fields, hasEnded);
    return body && { status: Number(status), fields, text: body.toString("utf8") };
  }
}

function fieldOf(line: string): readonly [name: string, value: string] {
  const colon = line.indexOf(":");
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

/** RFC 9112, 6.3: by chunks, by its length, or up to the end of the connection. */
function bodyIn(bytes: Buffer, fields: ReadonlyMap<string, string>, hasEnded: boolean): Buffer | undefined {
  if (fields.has("transfer-encoding")) return withoutChunks(bytes);
  const length = fields.get("content-length");
  if (length === undefined) return hasEnded ? bytes : undefined;
  return bytes.length >= Number(length) ? bytes.subarray(0, Number(length)) : undefined;
}

/** undefined: not all of it has come. */
function withoutChunks(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const lineEnd = bytes.indexOf("\r\n", at);
    const size = Number.parseInt(bytes.toString("latin1", at, Math.max(at, lineEnd)), 16);
    const begin = lineEnd + 2;
    // Each part has a line end of its own; the last is empty.
    if (lineEnd === -1 || !(begin + size + 2 <= bytes.length)) return undefined;
    if (size === 0) return Buffer.concat(parts);
    parts.push(bytes.subarray(begin, begin + size));
    at = begin + size + 2;
  }
}

function unwrap(operation: ControlOperation, answer: Answer): unknown {
  const body = parse(answer.text);
  if (answer.status === 200 && body !== undefined) return body;
  throw refusalOf(operation, answer.status, body);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
