import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { BUILT_CLIENTS, LOCAL_ENV, type RunOptions, run } from "../support/invoke-locally.js";
import { tempDir } from "../support/temp-dir.js";

// CI has it: there, a missing Python is a failure.
const noPython = spawnSync("python3", ["--version"]).status !== 0 && process.env["CI"] === undefined;

interface Module extends Partial<RunOptions> {
  readonly file?: string;
  readonly handler?: string;
}

/** Runs `app.handler` of this module in our own client. */
function runModule(text: string, { file = "app.py", handler = "app.handler", ...options }: Module = {}) {
  const cwd = tempDir("function");
  mkdirSync(dirname(join(cwd, file)), { recursive: true });
  writeFileSync(join(cwd, file), text);
  return run({ command: ["python3", BUILT_CLIENTS.pythonBootstrap, handler], cwd, ...options });
}

const returns = (value: string): string => `def handler(event, context):\n    return ${value}\n`;

describe.skipIf(noPython)("a Python function in its process", () => {
  it("logs as it does in Lambda, with the request's id", async () => {
    const { outcome, logs } = await runModule(
      "import logging\nlogging.getLogger().setLevel('INFO')\ndef handler(event, context):\n    logging.info('hi')\n",
    );

    expect(logs).toMatch(new RegExp(`^\\[INFO\\]\\t.*\\.\\d{3}Z\\t${outcome.requestId}\\thi$`, "m"));
  });

  it("knows its function, and who invoked it", async () => {
    const { result } = await runModule(
      returns(`[context.function_name, context.function_version, context.memory_limit_in_mb,
            context.client_context.custom, context.client_context.client.app_title,
            context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id]`),
      {
        clientContext: '{"custom":{"a":"b"},"client":{"app_title":"Orders"}}',
        cognitoIdentity: '{"cognitoIdentityId":"x"}',
      },
    );

    expect(result).toEqual(["orders", "7", "256", { a: "b" }, "Orders", "x", null]);
  });

  it("has no client context where none was sent", async () => {
    const { result } = await runModule(returns("[context.client_context, context.identity.cognito_identity_id]"));

    expect(result).toEqual([null, null]);
  });

  it("answers bytes as they are", async () => {
    const { outcome } = await runModule(returns("b'\"raw\"'"));

    expect(outcome).toMatchObject({ contentType: "application/unknown", payload: Buffer.from('"raw"') });
  });

  it("answers DynamoDB's numbers digit by digit", async () => {
    const numbers = '[Decimal("5"), Decimal("0.1234567890123456789012345678901234567"), Decimal("1.50")]';
    const { outcome } = await runModule(`from decimal import Decimal\n${returns(`{"n": ${numbers}}`)}`);

    expect(outcome.payload.toString()).toBe('{"n": [5, 0.1234567890123456789012345678901234567, 1.50]}');
  });

  it("answers bytes within its result as text", async () => {
    expect((await runModule(returns('{"a": b"x"}'))).result).toEqual({ a: "x" });
  });

  it("logs JSON where it is set to, from its level on", async () => {
    const env = { ...LOCAL_ENV, AWS_LAMBDA_LOG_FORMAT: "JSON", AWS_LAMBDA_LOG_LEVEL: "INFO" };
    const { outcome, logs } = await runModule(
      [
        "import logging",
        "def handler(event, context):",
        "    logging.debug('quiet')",
        "    logging.info('hi %s', 'there', extra={'order': 1})",
        "    raise KeyError('boo')",
        "",
      ].join("\n"),
      { env },
    );

    const records = logs.split("\n").filter((line) => line.startsWith("{"));
    expect(records).toHaveLength(2);
    expect(JSON.parse(records[0] ?? "")).toMatchObject({
      level: "INFO",
      message: "hi there",
      logger: "root",
      requestId: outcome.requestId,
      order: 1,
    });
    expect(JSON.parse(records[1] ?? "")).toMatchObject({
      level: "ERROR",
      errorType: "KeyError",
      errorMessage: "'boo'",
    });
  });

  it("is told the trace context of W3C, apart from the client context", async () => {
    const { result } = await runModule(returns("[context.w3c(), context.client_context.custom]"), {
      clientContext: '{"custom":{"a":"b"},"w3c":{"traceparent":"00-1","other":"x"}}',
    });

    expect(result).toEqual([{ traceparent: "00-1" }, { a: "b" }]);
  });

  it("fails where its result has no JSON", async () => {
    const { outcome } = await runModule(returns("object()"));

    expect(outcome).toMatchObject({ status: "handled-error", error: { errorType: "Runtime.MarshalError" } });
  });

  it("fails with a stack of its own lines only", async () => {
    const { result, logs } = await runModule("def handler(event, context):\n    raise KeyError('boo')\n");

    const { stackTrace } = result as { stackTrace: string[] };
    expect(stackTrace).toHaveLength(1);
    expect(stackTrace[0]).toContain('app.py", line 2, in handler');
    expect(logs).toContain("[ERROR] KeyError: 'boo'\nTraceback (most recent call last):\n\u00a0\u00a0File ");
  });

  it("is found in a package, by path or by name", async () => {
    const file = "orders/api/app.py";

    expect((await runModule(returns("1"), { file, handler: "orders/api/app.handler" })).result).toBe(1);
    expect((await runModule(returns("2"), { file, handler: "orders.api.app.handler" })).result).toBe(2);
  });

  it("imports what lies beside it, and nothing that lies beside our client", async () => {
    const { result } = await runModule(`import sys\n${returns("sys.path[0]")}`);

    expect(result).toMatch(/\/function-/);
  });

  it.each([
    ["import nope", "app.handler", "Runtime.ImportModuleError", "No module named 'nope'"],
    ["def handler(:", "app.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app'"],
    ["x = 1", "app.handler", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"],
    ["x = 1", "app", "Runtime.MalformedHandlerName", "Bad handler 'app'"],
    ["x = 1", "sys.exit", "Runtime.BuiltInModuleConflict", "Cannot use built-in module sys"],
    ["1 / 0", "app.handler", "ZeroDivisionError", "division by zero"],
  ])("cannot start: %j as %s", async (text, handler, errorType, message) => {
    const { outcome, logs } = await runModule(text, { handler });

    expect(outcome).toMatchObject({ status: "init-error", phase: "init", error: { errorType } });
    expect(outcome.error?.errorMessage).toContain(message);
    expect(logs).toContain(`[ERROR] ${errorType}: `);
  });

  it("loses no line that it prints right before it exits", async () => {
    const { outcome, logs } = await runModule(
      "import os\ndef handler(event, context):\n    print('x' * 1000000 + 'last')\n    os._exit(1)\n",
    );

    expect(outcome).toMatchObject({ status: "exit", exit: { code: 1 } });
    expect(logs).toContain("xlast\n");
  });
});
