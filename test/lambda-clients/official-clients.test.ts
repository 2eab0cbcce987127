import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { chooseRuntimeClient } from "../../src/runtime-api/runtime-client.js";
import { BUILT_CLIENTS, LOCAL_ENV, type RunOptions, run } from "../support/invoke-locally.js";
import { describeRuntimeClient } from "../support/runtime-client-contract.js";

/** As scripts/test-lambda.ts leaves them. */
const HOME = resolve(".lambda-clients");
const PYTHON_CODE = resolve("test/runtime-api/functions");
const IN_VENV = { ...LOCAL_ENV, PATH: `${join(HOME, "python", "bin")}:${LOCAL_ENV["PATH"] ?? ""}` };

describeRuntimeClient("awslambdaric, AWS's client for Python", () => ({
  command: ["python3", "-m", "awslambdaric", "app.handler"],
  cwd: PYTHON_CODE,
  env: { PATH: IN_VENV.PATH },
  errorType: "ValueError",
  reportsInit: true,
  survivesRefusal: false,
}));

describeRuntimeClient("aws-lambda-go", () => ({
  command: ["./bootstrap"],
  cwd: join(HOME, "go"),
  errorType: "refusedOrder",
  reportsInit: false,
  survivesRefusal: false,
}));

describeRuntimeClient("lambda_runtime, AWS's client for Rust", () => ({
  command: ["./orders"],
  cwd: join(HOME, "rust", "debug"),
  errorType: "dyn core::error::Error",
  reportsInit: false,
}));

describe("what is particular to a client", () => {
  const go = (event: unknown, options: Partial<RunOptions> = {}) =>
    run({ command: ["./bootstrap"], cwd: join(HOME, "go"), event, ...options });

  it("awslambdaric is chosen by the handler where it is installed", async () => {
    const context = { functionName: "orders", runtime: "python3.12", handler: "app.handler" };

    const client = await chooseRuntimeClient({ context, taskRoot: PYTHON_CODE, env: IN_VENV, shipped: BUILT_CLIENTS });
    const { outcome } = await run({
      command: [client.file, ...client.args],
      cwd: PYTHON_CODE,
      env: IN_VENV,
      event: { do: "echo" },
    });

    expect(client.args).toEqual(["-m", "awslambdaric", "app.handler"]);
    expect(outcome.status).toBe("success");
  });

  it("awslambdaric's error, whose lines end in carriage returns, stands on lines of its own", async () => {
    const { logs } = await run({
      command: ["python3", "-m", "awslambdaric", "app.handler"],
      cwd: PYTHON_CODE,
      env: IN_VENV,
      event: { do: "throw", message: "boo" },
    });

    expect(logs).toContain("[ERROR] ValueError: boo\nTraceback (most recent call last):\n");
    expect(logs).not.toContain("\r");
  });

  it("Go ends after a panic: the error is unhandled", async () => {
    const { outcome } = await go({ do: "panic", message: "boo" });

    expect(outcome).toMatchObject({ status: "unhandled", error: { errorMessage: "boo" }, exit: { code: 1 } });
  });

  it("Rust catches a panic: the error is handled", async () => {
    const { outcome } = await run({
      command: ["./orders"],
      cwd: join(HOME, "rust", "debug"),
      event: { do: "panic", message: "boo" },
    });

    expect(outcome.status).toBe("handled-error");
    expect(outcome.error?.errorMessage).toContain("boo");
  });

  it("Go sends what a handler reads from elsewhere in chunks, and its type", async () => {
    const { outcome, result } = await go({ do: "stream" });

    expect(outcome).toMatchObject({ status: "success", contentType: "application/octet-stream" });
    expect(result).toBe("streamed");
  });

  it("Go works on where it wanted the Extensions API, and says that it is not there", async () => {
    const { outcome, logs } = await go({ do: "echo" }, { env: { ...LOCAL_ENV, WITH_SIGTERM: "1" } });

    expect(outcome.status).toBe("success");
    expect(logs).toContain("501 Not Implemented");
  });
});
