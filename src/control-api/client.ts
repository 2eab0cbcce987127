import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { errnoOf, hasErrno } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";
import {
  CONTROL_PREFIX,
  type ControlError,
  type ControlOperation,
  type ControlRequest,
  type ControlResponse,
  LEASE_HEADER,
  PID_HEADER,
  VERSION_HEADER,
} from "./contract.js";

export interface CallOptions {
  /** Gives up waiting; what the daemon has begun goes on. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the daemon counts as not answering. */
  readonly timeoutMs?: number | undefined;
}

/** The control plane as a client sees it: one method, typed by the contract. */
export interface ControlClient {
  call<O extends ControlOperation>(
    operation: O,
    request: ControlRequest<O>,
    options?: CallOptions,
  ): Promise<ControlResponse<O>>;
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

const ANSWER_TIMEOUT_MS = 10_000;
/** The daemon itself gives up on AWS after 60 s: a little more, so that its own error arrives. */
const AWS_TIMEOUT_MS = 75_000;
/** A keychain prompt waits for the user. */
const PROMPT_TIMEOUT_MS = 180_000;
/** The portal limits the rate of requests: they are spread, and repeated after a 429. */
const LISTING_TIMEOUT_MS = 120_000;
/** A login gives up by itself after ten minutes: a little more, so that its own error arrives. */
const LOGIN_TIMEOUT_MS = 11 * 60_000;
/** A dialog closes by itself after a minute: a little more, so that brokerd's own error arrives. */
const QUESTION_TIMEOUT_MS = 90_000;
/** A request expires by itself after two hours. */
const REQUEST_TIMEOUT_MS = 125 * 60_000;
/** Each is a durable write in line with those of all other commands: for a hundred at once on a busy disk 10 s are too few. */
const LEASE_TIMEOUT_MS = 60_000;
const PATIENCE_MS: Partial<Record<ControlOperation, number>> = {
  warm: AWS_TIMEOUT_MS,
  use: AWS_TIMEOUT_MS,
  "lease-child": LEASE_TIMEOUT_MS,
  "lease-revoke": LEASE_TIMEOUT_MS,
  "lease-set": AWS_TIMEOUT_MS,
  "guard-confirm": QUESTION_TIMEOUT_MS,
  "request-wait": REQUEST_TIMEOUT_MS,
  refresh: AWS_TIMEOUT_MS,
  whoami: AWS_TIMEOUT_MS,
  "login-mfa": AWS_TIMEOUT_MS,
  "login-start": AWS_TIMEOUT_MS,
  "login-wait": LOGIN_TIMEOUT_MS,
  logout: AWS_TIMEOUT_MS,
  "sso-accounts": LISTING_TIMEOUT_MS,
  "sso-account-roles": LISTING_TIMEOUT_MS,
  "keys-rotate": AWS_TIMEOUT_MS,
  // The role's credentials, then the function and its role's policies.
  "lambda-role": 2 * AWS_TIMEOUT_MS,
  "lambda-trust": 2 * AWS_TIMEOUT_MS,
  "store-create": PROMPT_TIMEOUT_MS,
  unlock: PROMPT_TIMEOUT_MS,
};

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
      const answer = await post({ socketPath, identity, operation, request, patience, signal: call.signal });
      daemonVersion = answer.daemonVersion ?? daemonVersion;
      return unwrap(operation, answer) as ControlResponse<O>;
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

interface Post {
  readonly socketPath: string;
  readonly identity: Readonly<Record<string, string>>;
  readonly operation: ControlOperation;
  readonly request: unknown;
  readonly patience: number;
  readonly signal: AbortSignal | undefined;
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly daemonVersion: string | undefined;
}

function post({ socketPath, identity, operation, request, patience, signal }: Post): Promise<Answer> {
  const body = Buffer.from(JSON.stringify(request));
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      path: CONTROL_PREFIX + operation,
      method: "POST",
      // No agent at all: it would take 6 ms to find out that a socket has no server name.
      createConnection: () => connect({ path: socketPath }),
      headers: { "content-type": "application/json", "content-length": body.length, ...identity },
      ...(signal && { signal }),
    });
    // A timer of ours and not the socket's idle timeout: a daemon that sends a byte now and then is not answering either.
    const timer = setTimeout(() => outgoing.destroy(noAnswer(operation, patience)), patience);
    const settle = (finish: () => void): void => {
      clearTimeout(timer);
      finish();
    };
    outgoing.once("error", (error) => settle(() => reject(unreachable(error, socketPath))));
    outgoing.once("response", (response) => {
      readText(response).then(
        (text) => settle(() => resolve({ status: response.statusCode ?? 0, text, daemonVersion: versionOf(response) })),
        (error: unknown) => settle(() => reject(unreachable(error, socketPath))),
      );
    });
    outgoing.end(body);
  });
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

function versionOf(response: IncomingMessage): string | undefined {
  const value = response.headers[VERSION_HEADER];
  return typeof value === "string" ? value : undefined;
}

function noAnswer(operation: ControlOperation, patience: number): BrokerError {
  return new BrokerError("DaemonUnreachable", `brokerd did not answer ${operation} within ${patience / 1000} s`, {
    hint: "brokerctl logs",
  });
}

function unreachable(error: unknown, socketPath: string): Error {
  if (error instanceof BrokerError) return error;
  if (hasErrno(error, "ABORT_ERR")) return error;
  if (hasErrno(error, "ENOENT", "ECONNREFUSED")) {
    return new BrokerError("DaemonUnreachable", "brokerd is not running", { hint: "brokerctl start", cause: error });
  }
  if (hasErrno(error, "EACCES", "EPERM")) {
    return new BrokerError("DaemonUnreachable", `no permission to open the control socket ${socketPath}`, {
      hint: `ls -ld ${shellQuote(socketPath)}`,
      cause: error,
    });
  }
  return new BrokerError("DaemonUnreachable", `brokerd broke off the answer (${errnoOf(error)})`, {
    hint: "brokerctl logs",
    cause: error,
  });
}

function unwrap(operation: ControlOperation, answer: Answer): unknown {
  const body = parse(answer.text);
  if (answer.status === 200 && body !== undefined) return body;
  const error = controlErrorOf(body);
  if (error) throw new BrokerError(error.code, error.message, { hint: error.hint });
  if (answer.status === 404) {
    throw new BrokerError("NotSupported", `this brokerd does not know the operation ${operation}`, {
      hint: "brokerctl restart",
    });
  }
  throw new BrokerError("InternalError", `brokerd answered ${operation} with status ${answer.status} and no error`, {
    hint: "brokerctl logs",
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function controlErrorOf(body: unknown): ControlError | undefined {
  if (typeof body !== "object" || body === null || !("error" in body)) return undefined;
  const error = body.error as Partial<ControlError> | null;
  if (typeof error?.code !== "string" || typeof error.message !== "string") return undefined;
  return {
    code: error.code,
    message: error.message,
    ...(typeof error.hint === "string" && { hint: error.hint }),
  };
}
