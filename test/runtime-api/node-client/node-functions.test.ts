import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BUILT_CLIENTS, LOCAL_ENV, type RunOptions, run } from "../../support/invoke-locally.js";
import { tempDir } from "../../support/temp-dir.js";

/** Runs `export` of this module in the built client. */
function runModule(text: string, { file = "app.mjs", ...options }: Partial<RunOptions> & { file?: string } = {}) {
  const cwd = tempDir("function");
  writeFileSync(join(cwd, file), text);
  const { nodePath, nodeBootstrap } = BUILT_CLIENTS;
  return run({ command: [nodePath, nodeBootstrap, "app.handler"], cwd, ...options });
}

const handler = (body: string): string => `export const handler = ${body};`;

describe("a Node function in its process", () => {
  it("prints as it does in Lambda: time, request id, level", async () => {
    const { outcome, logs } = await runModule(
      handler('async () => { console.log("a %s", "b", { c: 1 }); console.error("e"); console.debug("d"); }'),
    );

    const at = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t${outcome.requestId}`;
    expect(logs).toMatch(new RegExp(`^${at}\tINFO\ta b { c: 1 }\n${at}\tERROR\te\n${at}\tDEBUG\td\n`, "m"));
  });

  it("answers by its callback when nothing is left to do", async () => {
    const { result, logs } = await runModule(
      handler(
        '(event, context, callback) => { callback(null, "called"); setTimeout(() => console.log("late"), 100); }',
      ),
    );

    expect(result).toBe("called");
    expect(logs).toContain("late");
  });

  it("answers by its callback at once, where it says so", async () => {
    const { result, logs } = await runModule(
      handler(`(event, context, callback) => {
        context.callbackWaitsForEmptyEventLoop = false;
        callback(null, "called");
        setTimeout(() => console.log("late"), 60_000);
      }`),
    );

    expect(result).toBe("called");
    expect(logs).not.toContain("late");
  });

  it("answers null when it has nothing to do, and nothing to say", async () => {
    expect((await runModule(handler("() => {}"))).result).toBeNull();
    expect((await runModule(handler("() => new Promise(() => {})"))).result).toBeNull();
    expect((await runModule(handler("async () => {}"))).result).toBeNull();
    expect((await runModule(handler("async () => () => 1"))).result).toBeNull();
  });

  it("knows its function", async () => {
    const { result } = await runModule(handler("async (event, context) => context"), {
      clientContext: '{"custom":{"a":"b"}}',
      cognitoIdentity: '{"cognitoIdentityId":"x","cognitoIdentityPoolId":"y"}',
    });

    expect(result).toMatchObject({
      functionName: "orders",
      functionVersion: "7",
      memoryLimitInMB: "256",
      callbackWaitsForEmptyEventLoop: true,
      clientContext: { custom: { a: "b" } },
      identity: { cognitoIdentityId: "x" },
    });
  });

  it.each([
    ["setTimeout(() => { throw new RangeError('boo'); })", "RangeError", "boo", 129],
    ["setTimeout(() => { Promise.reject(new Error('boo')); })", "Runtime.UnhandledPromiseRejection", "Error: boo", 128],
    [
      "setTimeout(() => { Promise.reject({ toString: null }); })",
      "Runtime.UnhandledPromiseRejection",
      "the reason",
      128,
    ],
  ])("fails, and ends, by an error that is not caught: %s", async (body, errorType, message, code) => {
    const { outcome, logs } = await runModule(handler(`() => { ${body}; }`));

    expect(outcome).toMatchObject({ status: "unhandled", error: { errorType }, exit: { code } });
    expect(outcome.error?.errorMessage).toContain(message);
    expect(logs).toContain("\tERROR\tUn");
  });

  it("fails where its result has no JSON", async () => {
    const { outcome } = await runModule(handler("async () => { const ring = {}; ring.self = ring; return ring; }"));

    expect(outcome).toMatchObject({
      status: "handled-error",
      error: { errorType: "Error", errorMessage: "Unable to stringify response body" },
    });
  });

  it.each([
    ["app.mjs", "await new Promise(() => {}); export const handler = () => 1;", "a top-level await never ended"],
    [
      "app.mjs",
      "setTimeout(() => { throw new Error('in the background'); }); await new Promise((r) => setTimeout(r, 9e4));",
      "in the background",
    ],
    ["app.cjs", "exports.other = () => 1;", "app.handler is undefined or not exported"],
  ])("cannot start: %s with %s", async (file, text, message) => {
    const { outcome } = await runModule(text, { file });

    expect(outcome).toMatchObject({ status: "init-error", phase: "init" });
    expect(outcome.error?.errorMessage).toContain(message);
  });

  it("streams", async () => {
    const { outcome, streamed } = await runModule(
      handler('awslambda.streamifyResponse(async (event, stream) => { stream.write("one "); stream.end("two"); })'),
    );

    expect(outcome).toMatchObject({ status: "success", contentType: "application/octet-stream" });
    expect(streamed).toBe("one two");
  });

  it("fails in the middle of its stream", async () => {
    const { outcome, streamed, logs } = await runModule(
      handler(
        'awslambda.streamifyResponse(async (event, stream) => { stream.write("half"); throw new Error("boo"); })',
      ),
    );

    expect(outcome).toMatchObject({ status: "handled-error", error: { errorType: "Error", errorMessage: "boo" } });
    expect(streamed).toBe("half");
    expect(logs).toContain("Invoke Error");
  });

  it("loses no line that it prints right before it exits", async () => {
    const { logs } = await runModule(
      handler('async () => { process.stdout.write("x".repeat(1_000_000) + "last\\n"); process.exit(1); }'),
    );

    expect(logs).toContain("xlast\n");
  });
});

it("says what it needs when it is run by itself", async () => {
  const { nodePath, nodeBootstrap } = BUILT_CLIENTS;
  const { outcome, logs } = await run({
    command: [nodePath, nodeBootstrap],
    env: { ...LOCAL_ENV, _HANDLER: undefined },
  });

  expect(outcome).toMatchObject({ status: "exit", phase: "init", exit: { code: 1 } });
  expect(logs).toContain("needs a handler");
});
