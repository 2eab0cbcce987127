import { errnoOf, hasErrno } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";
import type { ControlError, ControlOperation } from "./contract.js";

/** The daemon listens, and says nothing. */
export function noAnswer(operation: ControlOperation | "launch", patience: number): BrokerError {
  return new BrokerError("DaemonUnreachable", `brokerd did not answer ${operation} within ${patience / 1000} s`, {
    hint: "brokerctl logs",
  });
}

/** What the system said of the connection, as an error for the user. */
export function unreachable(error: unknown, socketPath: string): Error {
  if (error instanceof BrokerError) return error;
  if (error instanceof Error && error.name === "AbortError") return error;
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

/** What an answer other than 200 means; `body` is its JSON, undefined where it is none. */
export function refusalOf(operation: ControlOperation, status: number, body: unknown): BrokerError {
  const error = controlErrorOf(body);
  if (error) return new BrokerError(error.code, error.message, { hint: error.hint });
  if (status === 404) {
    return new BrokerError("NotSupported", `this brokerd does not know the operation ${operation}`, {
      hint: "brokerctl restart",
    });
  }
  return new BrokerError("InternalError", `brokerd answered ${operation} with status ${status} and no error`, {
    hint: "brokerctl logs",
  });
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
