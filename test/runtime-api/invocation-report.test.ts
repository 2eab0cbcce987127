import { describe, expect, it } from "vitest";
import type { InvocationOutcome } from "../../src/runtime-api/invocation-outcome.js";
import { endLine, failureLines, reportLine, startLine } from "../../src/runtime-api/invocation-report.js";

const success: InvocationOutcome = {
  status: "success",
  phase: "invoke",
  requestId: "ID",
  payload: Buffer.from("1"),
  contentType: "application/json",
  error: undefined,
  initDurationMs: 120,
  durationMs: 33.4,
  maxMemoryBytes: 47 * 1024 * 1024 + 1,
  exit: undefined,
};

describe("Lambda's log lines", () => {
  it("begin and end an invocation", () => {
    expect(startLine("ID", "$LATEST")).toBe("START RequestId: ID Version: $LATEST");
    expect(endLine("ID")).toBe("END RequestId: ID");
  });

  it("report what it took, rounded up where Lambda rounds up", () => {
    expect(reportLine(success, 128)).toBe(
      "REPORT RequestId: ID\tDuration: 33.40 ms\tBilled Duration: 154 ms\tMemory Size: 128 MB\tMax Memory Used: 48 MB\tInit Duration: 120.00 ms",
    );
  });

  it("leave out what is not known", () => {
    const line = reportLine({ ...success, maxMemoryBytes: undefined, initDurationMs: undefined }, 128);

    expect(line).toBe("REPORT RequestId: ID\tDuration: 33.40 ms\tBilled Duration: 34 ms\tMemory Size: 128 MB");
  });

  it("report how it failed", () => {
    const error = { errorType: "TypeError", errorMessage: "boo" };

    expect(reportLine({ ...success, status: "timeout", error }, 128)).toMatch(/\tStatus: timeout$/);
    expect(reportLine({ ...success, status: "unhandled", error }, 128)).toMatch(
      /\tStatus: error\tError Type: TypeError$/,
    );
  });

  it("say nothing more of a success, and of an error that the runtime has logged itself", () => {
    expect(failureLines(success, 0, 3_000)).toEqual([]);
    const error = { errorType: "TypeError", errorMessage: "boo" };
    expect(failureLines({ ...success, status: "handled-error", error }, 0, 3_000)).toEqual([]);
  });

  it("say when it timed out", () => {
    const at = Date.parse("2026-03-04T05:06:07.089Z");

    expect(failureLines({ ...success, status: "timeout" }, at, 3_000)).toEqual([
      "2026-03-04T05:06:07.089Z ID Task timed out after 3.00 seconds",
    ]);
  });
});
