import type { Invocation, RuntimeError } from "./invocation.js";
import { errorFields } from "./posted-answer.js";
import type { ProcessExit } from "./runtime-process.js";

/**
 * success · handled-error: the runtime reported an error and asked for the next event · unhandled: it reported an error and
 * ended · timeout: it was ended · exit: it ended without an answer · init-error: it reported that it cannot start.
 */
export type InvocationStatus = "success" | "handled-error" | "unhandled" | "timeout" | "exit" | "init-error";

/** What came of one invocation. */
export interface InvocationOutcome {
  readonly status: InvocationStatus;
  /** init: the runtime never asked for the event. */
  readonly phase: "init" | "invoke";
  readonly requestId: string;
  /** What `Invoke` would answer: the response, or a JSON error document. Empty for a streamed response. */
  readonly payload: Buffer;
  readonly contentType: string | undefined;
  /** Set unless the status is success. */
  readonly error: { readonly errorType: string; readonly errorMessage: string } | undefined;
  /** From the start of the client's process until it took the event; undefined: it never did. */
  readonly initDurationMs: number | undefined;
  /** From the event's handing over until the runtime asked for the next one, or ended. */
  readonly durationMs: number;
  /** Peak of the runtime's processes together; undefined where the system does not say (anywhere but on Linux). */
  readonly maxMemoryBytes: number | undefined;
  /** How the runtime ended, where it did so by itself. */
  readonly exit: ProcessExit | undefined;
}

/** How the waiting ended. */
export type Ending =
  | { readonly kind: "finished" | "init-failed" }
  | { readonly kind: "exited"; readonly exit: ProcessExit }
  | { readonly kind: "timeout"; readonly limitMs: number };

export type Conclusion = Pick<InvocationOutcome, "status" | "payload" | "contentType" | "error">;

/** What the answer and the ending together amount to. */
export function conclude(invocation: Invocation, ending: Ending, initError: RuntimeError | undefined): Conclusion {
  if (initError) return failure("init-error", initError);
  if (ending.kind === "timeout")
    return failure("timeout", sandboxError(invocation, "Sandbox.Timedout", timedOut(ending)));
  const { answer } = invocation;
  if (ending.kind === "exited" && (answer === undefined || wasCutOff(answer))) {
    return failure("exit", sandboxError(invocation, "Runtime.ExitError", exitText(ending.exit)));
  }
  if (answer === undefined) throw new Error(`no answer, and ${ending.kind}`);
  if (answer.kind === "error") return failure(ending.kind === "exited" ? "unhandled" : "handled-error", answer);
  return { status: "success", payload: answer.payload, contentType: answer.contentType, error: undefined };
}

/** Lambda's wording. */
export function timedOut({ limitMs }: { readonly limitMs: number }): string {
  return `Task timed out after ${(limitMs / 1000).toFixed(2)} seconds`;
}

/** Lambda's wording, which is that of Go's os.ProcessState. */
export function exitText({ code, signal }: ProcessExit): string {
  if (signal !== null) return `Runtime exited with error: signal: ${SIGNAL_WORDS[signal] ?? signal}`;
  return code === 0 ? "Runtime exited without providing a reason" : `Runtime exited with error: exit status ${code}`;
}

const SIGNAL_WORDS: Partial<Record<NodeJS.Signals, string>> = {
  SIGABRT: "aborted",
  SIGBUS: "bus error",
  SIGFPE: "floating point exception",
  SIGILL: "illegal instruction",
  SIGINT: "interrupt",
  SIGKILL: "killed",
  SIGSEGV: "segmentation fault",
  SIGTERM: "terminated",
};

function wasCutOff(answer: { readonly kind: string; readonly errorType?: string }): boolean {
  return answer.kind === "error" && answer.errorType === "Runtime.TruncatedResponse";
}

/** What Lambda answers in the runtime's place. */
function sandboxError({ requestId }: Invocation, errorType: string, what: string): RuntimeError {
  const errorMessage = `RequestId: ${requestId} Error: ${what}`;
  return { kind: "error", errorType, payload: Buffer.from(JSON.stringify({ errorType, errorMessage })) };
}

function failure(status: InvocationStatus, { payload, errorType }: RuntimeError): Conclusion {
  const errorMessage = errorFields(payload).errorMessage ?? "";
  return { status, payload, contentType: "application/json", error: { errorType, errorMessage } };
}
