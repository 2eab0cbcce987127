import { describe, expect, it } from "vitest";
import { MAX_RESPONSE_BYTES } from "../../src/runtime-api/payload-limits.js";
import { Counted, FUNCTION_ARN, LOCAL_ENV, type RunOptions, run } from "./invoke-locally.js";

/** A client and a function of its language that does what `event.do` says: echo, throw, hang, exit, print, large. */
export interface ClientUnderTest {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Of the error that the function throws with the message `boo`; a part of it where it varies. */
  readonly errorType: string;
  /** A client that ends with an error in the handler, rather than ask for the next event. */
  readonly endsOnError?: boolean;
  /** What ends the process with code 7 in the middle of an event is told as that code. */
  readonly exitCode?: number;
  /** Whether it reports a failing start, or only ends. */
  readonly reportsInit: boolean;
  /** Whether it lives on after its response was refused. */
  readonly survivesRefusal?: boolean;
}

const MEGABYTE = 1024 * 1024;

/** What every client must come to, whatever its language. */
export function describeRuntimeClient(name: string, client: () => ClientUnderTest): void {
  const invoke = (event: unknown, options: Partial<RunOptions> = {}) => {
    const { command, cwd, env } = client();
    return run({ command, cwd, event, ...options, env: { ...LOCAL_ENV, ...env, ...options.env } });
  };

  describe(name, () => {
    it("answers the event it was given, and knows what invoked it", async () => {
      const { outcome, logs, result } = await invoke({ do: "echo", text: "gr\u00fc\u00dfe \u{1f980}", big: 1e15 });

      expect({ status: outcome.status, phase: outcome.phase, error: outcome.error, logs }).toMatchObject({
        status: "success",
        phase: "invoke",
        error: undefined,
      });
      expect(result).toMatchObject({
        event: { do: "echo", text: "gr\u00fc\u00dfe \u{1f980}", big: 1e15 },
        requestId: outcome.requestId,
        arn: FUNCTION_ARN,
        functionName: "orders",
        traceId: expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$/) as unknown,
      });
      const { remainingMs } = result as { remainingMs: number };
      expect(remainingMs).toBeGreaterThan(0);
      expect(remainingMs).toBeLessThanOrEqual(30_000);
    });

    it("passes on what the function prints, between Lambda's own lines", async () => {
      const { outcome, logs } = await invoke({ do: "echo" });

      const lines = logs.trimEnd().split("\n");
      expect(lines[0]).toBe(`START RequestId: ${outcome.requestId} Version: 7`);
      expect(lines.some((line) => line.includes("this is a log line"))).toBe(true);
      expect(lines.at(-2)).toBe(`END RequestId: ${outcome.requestId}`);
      expect(lines.at(-1)).toMatch(
        /^REPORT RequestId: [0-9a-f-]{36}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB/,
      );
    });

    it("reports an error that the function throws", async () => {
      const { outcome, logs, result } = await invoke({ do: "throw", message: "boo" });
      const { endsOnError = false } = client();
      const errorType = expect.stringContaining(client().errorType) as unknown;

      expect({ status: outcome.status, logs }).toMatchObject({ status: endsOnError ? "unhandled" : "handled-error" });
      expect(outcome.error).toEqual({ errorType, errorMessage: "boo" });
      expect(result).toMatchObject({ errorType, errorMessage: "boo" });
      expect(logs).toContain("Status: error");
    });

    it("reports an error of 200 kB, which some clients put into a header as well", async () => {
      const message = "long ".repeat(40_000);

      const { outcome, logs } = await invoke({ do: "throw", message });

      expect({ message: outcome.error?.errorMessage.length, logs: logs.slice(-2000) }).toMatchObject({
        message: message.length,
      });
    });

    it("is ended when the function hangs, and says after how long", async () => {
      const { outcome, logs } = await invoke({ do: "hang" }, { timeoutMs: 700 });

      expect(outcome).toMatchObject({ status: "timeout", phase: "invoke", error: { errorType: "Sandbox.Timedout" } });
      expect(logs).toContain(`${outcome.requestId} Task timed out after 0.70 seconds`);
      expect(logs).toContain("Status: timeout");
    });

    it("tells when the function ends the process", async () => {
      const { outcome, logs } = await invoke({ do: "exit" });
      const { exitCode = 7 } = client();

      expect({ ...outcome, logs }).toMatchObject({ status: "exit", phase: "invoke", exit: { code: exitCode } });
      expect(outcome.error).toMatchObject({ errorType: "Runtime.ExitError" });
      expect(logs).toContain(`Runtime exited with error: exit status ${exitCode}`);
    });

    it("prints 10 MB without holding up or losing any of it", async () => {
      const logs = new Counted();

      const { outcome, result } = await invoke({ do: "print" }, { logs });

      expect(outcome.status).toBe("success");
      expect(result).toBe("printed");
      expect(logs.bytes).toBeGreaterThan(10 * MEGABYTE);
    });

    it("answers 6 MB", async () => {
      const bytes = 6 * MEGABYTE - 100;

      const { outcome } = await invoke({ do: "large", bytes });

      expect(outcome.status).toBe("success");
      expect(outcome.payload.length).toBe(bytes + 2);
    });

    it("is refused an answer of more than 6 MB", async () => {
      const { outcome, logs } = await invoke({ do: "large", bytes: 7 * MEGABYTE });
      const { survivesRefusal = true } = client();

      expect({ status: outcome.status, logs: logs.slice(-2000) }).toMatchObject({
        status: survivesRefusal ? "handled-error" : "unhandled",
      });
      expect(outcome.error?.errorType).toBe("Function.ResponseSizeTooLarge");
      expect(logs).toContain(`exceeded maximum allowed payload size (${MAX_RESPONSE_BYTES} bytes)`);
    });

    it("takes an event of 6 MB", async () => {
      const { outcome, result } = await invoke({ do: "length", text: "x".repeat(6 * MEGABYTE - 100) });

      expect(outcome.status).toBe("success");
      expect(result).toBe(6 * MEGABYTE - 100);
    });

    it("tells that it cannot start", async () => {
      const { outcome, logs } = await invoke({ do: "echo" }, { env: { FAIL_INIT: "1" } });
      const { reportsInit } = client();

      expect({ ...outcome, logs }).toMatchObject({ status: reportsInit ? "init-error" : "exit", phase: "init" });
      if (reportsInit) expect(outcome.error?.errorMessage).toContain("cannot start");
      expect(logs).toContain(`END RequestId: ${outcome.requestId}`);
    });
  });
}
