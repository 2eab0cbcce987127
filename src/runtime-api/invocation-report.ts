import { exitText, type InvocationOutcome, timedOut } from "./invocation-outcome.js";

const MEGABYTE = 1024 * 1024;

/** As in Lambda's log streams. */
export function startLine(requestId: string, version: string): string {
  return `START RequestId: ${requestId} Version: ${version}`;
}

export function endLine(requestId: string): string {
  return `END RequestId: ${requestId}`;
}

/**
 * Lambda's line, parts separated by tabs: `REPORT RequestId: … Duration: … ms Billed Duration: … ms Memory Size: … MB Max
 * Memory Used: … MB`. The memory used is left out where the system does not say it. Billed is what Lambda would bill for
 * this duration, init included since August 2025; local time is not Lambda's time.
 */
export function reportLine(outcome: InvocationOutcome, memorySize: number): string {
  const { requestId, durationMs, initDurationMs, maxMemoryBytes, status, error } = outcome;
  const parts = [
    `REPORT RequestId: ${requestId}`,
    `Duration: ${durationMs.toFixed(2)} ms`,
    `Billed Duration: ${Math.ceil(durationMs + (initDurationMs ?? 0))} ms`,
    `Memory Size: ${memorySize} MB`,
    ...(maxMemoryBytes === undefined ? [] : [`Max Memory Used: ${Math.ceil(maxMemoryBytes / MEGABYTE)} MB`]),
    ...(initDurationMs === undefined ? [] : [`Init Duration: ${initDurationMs.toFixed(2)} ms`]),
    ...statusParts(status, error?.errorType),
  ];
  return parts.join("\t");
}

/** What Lambda says in the log when it is not the runtime that failed the invocation, or when it ended after its answer. */
export function failureLines(outcome: InvocationOutcome, now: number, limitMs: number): readonly string[] {
  const { status, requestId, exit, error } = outcome;
  if (status === "timeout") return [`${new Date(now).toISOString()} ${requestId} ${timedOut({ limitMs })}`];
  const endedWell = exit === undefined || (exit.code === 0 && status !== "exit");
  const lines = endedWell ? [] : [`RequestId: ${requestId} Error: ${exitText(exit)}`, "Runtime.ExitError"];
  return error?.errorType === "Function.ResponseSizeTooLarge" ? [error.errorMessage, ...lines] : lines;
}

function statusParts(status: InvocationOutcome["status"], errorType: string | undefined): readonly string[] {
  if (status === "success") return [];
  if (status === "timeout") return ["Status: timeout"];
  return ["Status: error", `Error Type: ${errorType ?? "Unknown"}`];
}
