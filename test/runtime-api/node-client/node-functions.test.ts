import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { chooseRuntimeClient } from "../../../src/runtime-api/runtime-client.js";
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

  it("cannot start where a promise of its module is rejected and not caught, beside a good handler", async () => {
    const { outcome, logs } = await runModule(`Promise.reject(new Error("x")); ${handler("async () => 1")}`);

    expect(outcome).toMatchObject({
      status: "init-error",
      phase: "init",
      error: { errorType: "Runtime.UnhandledPromiseRejection", errorMessage: "Error: x" },
    });
    expect(logs).toContain('"reason":{"errorType":"Error","errorMessage":"x"');
  });

  it("exits with 13 where a top-level await never ends", async () => {
    const { outcome, logs } = await runModule("await new Promise(() => {}); export const handler = () => 1;");

    expect(outcome).toMatchObject({ status: "exit", phase: "init", exit: { code: 13 } });
    expect(logs).toContain("a top-level await never ended");
  });

  it.each([
    [
      "ESM syntax in a .js of no type",
      { "app.js": "export const handler = async () => 1;" },
      "Runtime.UserCodeSyntaxError",
    ],
    [
      "require of a package that is an ES module",
      {
        "app.js": "require('pkg'); exports.handler = async () => 1;",
        "node_modules/pkg/package.json": '{"type":"module","exports":"./index.js"}',
        "node_modules/pkg/index.js": "export default 1;",
      },
      "Error",
    ],
  ])("cannot start on Node 20 and 22, as in Lambda: %s", async (_, files, errorType) => {
    const taskRoot = tempDir("function");
    for (const [path, text] of Object.entries({ "package.json": "{}", ...files })) {
      mkdirSync(dirname(join(taskRoot, path)), { recursive: true });
      writeFileSync(join(taskRoot, path), text);
    }
    const context = { functionName: "orders", runtime: "nodejs22.x", handler: "app.handler" };
    const client = await chooseRuntimeClient({ context, taskRoot, env: LOCAL_ENV, shipped: BUILT_CLIENTS });
    const { outcome } = await run({ command: [client.file, ...client.args], cwd: taskRoot });

    expect(outcome).toMatchObject({ status: "init-error", error: { errorType } });
  });

  describe("of Node 24 or later", () => {
    const env = { ...LOCAL_ENV, AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x" };

    it("may not have a callback", async () => {
      const { outcome } = await runModule(handler("(event, context, callback) => callback(null, 1)"), { env });

      expect(outcome).toMatchObject({
        status: "init-error",
        error: { errorType: "Runtime.CallbackHandlerDeprecated" },
      });
    });

    it("has no context.succeed, and may answer without a promise", async () => {
      expect(
        (await runModule(handler("async (_, context) => Object.keys(context).includes('succeed')"), { env })).result,
      ).toBe(false);
      expect((await runModule(handler("async (_, context) => context.succeed(1)"), { env })).outcome).toMatchObject({
        status: "handled-error",
        error: { errorType: "TypeError" },
      });
      expect((await runModule(handler("() => 5"), { env })).result).toBe(5);
    });

    it("ends where its promise never settles, and by what is not caught", async () => {
      expect((await runModule(handler("() => new Promise(() => {})"), { env })).outcome).toMatchObject({
        status: "exit",
        exit: { code: 0 },
      });
      expect(
        (
          await runModule(
            handler("async () => { Promise.reject(new Error('x')); await new Promise((r) => setTimeout(r, 500)); }"),
            { env },
          )
        ).outcome,
      ).toMatchObject({ status: "exit", exit: { code: 1 } });
    });
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

  it("loses nothing of its stream by an error after its end", async () => {
    const { outcome, streamed, logs } = await runModule(
      handler(
        'awslambda.streamifyResponse(async (event, stream) => { stream.write("x".repeat(3e6)); stream.end("last"); throw new Error("late"); })',
      ),
    );

    expect(outcome).toMatchObject({ status: "success" });
    expect(streamed).toHaveLength(3_000_004);
    expect(streamed.slice(-4)).toBe("last");
    expect(logs).toContain("Invoke Error \t{");
  });

  it("loses nothing that it wrote before it failed", async () => {
    const { outcome, streamed } = await runModule(
      handler(
        'awslambda.streamifyResponse(async (event, stream) => { for (let i = 0; i < 100; i++) stream.write("x".repeat(50_000)); throw new Error("boo"); })',
      ),
    );

    expect(outcome).toMatchObject({ status: "handled-error", error: { errorMessage: "boo" } });
    expect(streamed).toHaveLength(5_000_000);
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

describe("a Node function with layers", () => {
  const layer = tempDir("layer", "input");
  for (const [name, files] of Object.entries({
    "nodejs/node_modules/shared": {
      "package.json": '{"type":"module","exports":{"import":"./es.js"}}',
      "es.js": 'export const name = "es";',
    },
    "nodejs/node_modules/@team/old": { "package.json": "{}", "index.js": 'exports.name = "cjs";' },
    "more/node_modules/second": { "index.js": "exports.name = 2;" },
  })) {
    mkdirSync(join(layer, name), { recursive: true });
    for (const [file, text] of Object.entries(files)) writeFileSync(join(layer, name, file), text);
  }
  const env = {
    ...LOCAL_ENV,
    NODE_PATH: ["nodejs", "more"].map((name) => join(layer, name, "node_modules")).join(":"),
  };

  it("imports what is on NODE_PATH, as Lambda's Node does", async () => {
    const text = `import { name } from "shared"; import old from "@team/old"; import second from "second";
export const handler = async () => [name, old.name, second.name, (await import("shared")).name];`;
    expect((await runModule(text, { env })).result).toEqual(["es", "cjs", 2, "es"]);
  });

  it("tells what is nowhere by the place that imports it", async () => {
    const { result } = await runModule('import "gone"; export const handler = 1;', { env });
    expect(result).toMatchObject({
      errorType: "Error",
      errorMessage: expect.stringMatching(/'gone' imported from .*app\.mjs/) as string,
    });
  });
});

describe("a Node function with a debugger", () => {
  const started = async (waits: boolean, port: number, text: string) => {
    const taskRoot = tempDir("function");
    writeFileSync(join(taskRoot, "app.mjs"), text);
    const context = { functionName: "orders", runtime: "nodejs24.x", handler: "app.handler" };
    const debugging = { port, nth: 0, waits };
    const client = await chooseRuntimeClient({ context, taskRoot, env: LOCAL_ENV, shipped: BUILT_CLIENTS, debugging });
    return run({ command: [client.file, ...client.args], cwd: taskRoot, timeoutMs: 60_000 });
  };

  it("has an inspector of its own process on loopback", async () => {
    const port = await freePort();
    const text = handler(`async () => (await fetch("http://127.0.0.1:${port}/json/list")).json()`);
    const { result } = await started(false, port, text);
    expect(result).toEqual([expect.objectContaining({ title: expect.stringContaining("lambda-bootstrap") as string })]);
  });

  it("waits for the debugger, where it is to", async () => {
    const port = await freePort();
    const running = started(true, port, handler('async () => "went on"'));
    while (!(await listens(port))) await setTimeout(POLL_MS);
    const debugger_ = spawn(process.execPath, ["inspect", `127.0.0.1:${port}`], { stdio: ["pipe", "pipe", "ignore"] });
    let shown = "";
    for await (const chunk of debugger_.stdout) {
      shown += String(chunk);
      // With the first line that would run.
      if (shown.includes("Break on start in")) break;
    }
    debugger_.stdin.write("cont\n");
    expect((await running).result).toBe("went on");
    debugger_.kill();
  });
});

const POLL_MS = 50;

function listens(port: number): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/json/list`).then(
    ({ ok }) => ok,
    () => false,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
