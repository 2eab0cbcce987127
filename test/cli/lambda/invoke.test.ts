import { chmodSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { sampleEvent } from "../../../src/cli/lambda/samples/sample-events.js";
import { SystemClock } from "../../../src/system/clock.js";
import { type CliFixture, cliFixture } from "../../support/cli-fixture.js";
import type { RunResult } from "../../support/cli-run.js";
import { tempDir } from "../../support/temp-dir.js";

const FUNCTIONS = resolve("test/runtime-api/functions");
const PATH = process.env["PATH"] ?? "";
let fixture: CliFixture;

beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control
    .addSource("ops")
    .addRole("dev")
    .addFunction("orders", { context: { timeout: 20 } })
    .addFunction("py", { context: { runtime: "python3.11", timeout: 20 } })
    .addFunction("image", { isImage: true, context: { runtime: null, handler: null } });
});

interface Invocation {
  readonly argv?: readonly string[];
  readonly event?: unknown;
  readonly env?: Record<string, string>;
}

/** `lambda invoke` of code in test/runtime-api/functions, on the system's clock. */
async function invoke(name: string, { argv = [], event, env = {} }: Invocation = {}): Promise<RunResult> {
  const given = event === undefined ? [] : ["--event", "-"];
  return fixture.run(["lambda", "invoke", name, "--via", "dev", ...given, "--task-root", FUNCTIONS, ...argv], {
    clock: new SystemClock(),
    env: { PATH, ...env },
    ...(event !== undefined && { stdin: JSON.stringify(event) }),
  });
}

const sampleOf = (name: string): unknown => JSON.parse(sampleEvent(name));
const leases = (): string[] => fixture.control.leases.map(({ kind }) => kind);

describe("lambda invoke", () => {
  it("prints the handler's result alone on stdout, its logs and the REPORT line on stderr", async () => {
    const { code, json, stderr, stdout } = await invoke("orders", { event: { do: "echo", n: 1 } });
    expect([code, json]).toEqual([0, expect.objectContaining({ event: { do: "echo", n: 1 }, functionName: "orders" })]);
    expect(stdout.endsWith("}\n")).toBe(true);
    expect(stderr).toMatch(/START RequestId[^]*this is a log line[^]*REPORT RequestId.*Memory Size: 256 MB/);
    expect(fixture.control.requests("lease-child")).toEqual([{ role: "lambda:orders@dev", pid: process.pid }]);
    expect(leases()).toEqual(["default"]);
  });

  it("starts the client that a Python handler needs", async () => {
    const { code, json } = await invoke("py", { event: { do: "length", text: "äöü" } });
    expect([code, json]).toEqual([0, 3]);
  });

  it.each([
    ["throws", { do: "throw", message: "no such order" }, "Shell.Error", /orders failed: Shell.Error: no such order/],
    ["exits", { do: "exit" }, "Runtime.ExitError", /exit status 7/],
  ])("tells of a handler that %s, and fails", async (_, event, errorType, told) => {
    const { code, json, stderr } = await invoke("orders", { event });
    expect([code, json]).toEqual([1, expect.objectContaining({ errorType })]);
    expect(stderr).toMatch(told);
    expect(stderr).toContain("REPORT");
    expect(leases()).toEqual(["default"]);
  });

  it("ends a handler that hangs at its timeout, the function's own or --timeout", async () => {
    fixture.control.addFunction("orders", { context: { timeout: 1 } });
    const { code, json, stderr } = await invoke("orders", { event: { do: "hang" } });
    expect([code, json]).toEqual([1, expect.objectContaining({ errorType: "Sandbox.Timedout" })]);
    expect(stderr).toContain("Task timed out after 1.00 seconds");
    const longer = await invoke("orders", { event: { do: "hang" }, argv: ["--timeout", "2"] });
    expect(longer.stderr).toContain("Task timed out after 2.00 seconds");
  });

  it("passes 10 MB of logs", async () => {
    const { code, stdout, stderr } = await invoke("orders", { event: { do: "print" } });
    expect([code, stdout]).toEqual([0, '"printed"\n']);
    expect(stderr.length).toBeGreaterThan(10 * 1024 * 1024);
  });

  it("takes the event from a file, and is {} without one", async () => {
    const file = join(tempDir("event", "input"), "event.json");
    writeFileSync(file, '{"do":"length","text":"xxx"}');
    expect(await invoke("orders", { argv: ["--event", file] })).toMatchObject({ code: 0, json: 3 });
    const script = join(tempDir("event", "input"), "bootstrap");
    writeFileSync(script, BACK, { mode: 0o700 });
    expect(await invoke("orders", { argv: ["--", script] })).toMatchObject({
      code: 0,
      json: { event: "{}", context: "" },
    });
    const context = join(tempDir("event", "input"), "context.json");
    writeFileSync(context, '{ "custom": { "ä": 1 } }');
    const { json } = await invoke("orders", { argv: ["--client-context", context, "--", script] });
    expect(json).toEqual({ event: "{}", context: String.raw`{"custom":{"\u00e4":1}}` });
  });

  it("takes the event from its own word, and a sample by its name", async () => {
    const inline = await invoke("orders", { argv: ["--event", ' {"do":"length","text":"xxx"}'] });
    expect(inline).toMatchObject({ code: 0, json: 3 });
    const sample = await invoke("py", { argv: ["--event", "sample:s3-put", "--handler", "whole.event"] });
    expect([sample.code, sample.json]).toEqual([0, sampleOf("s3-put")]);
  });

  it("runs another handler than the deployed one, with other variables", async () => {
    fixture.control.addFunction("py", {
      context: {
        runtime: "python3.11",
        timeout: 20,
        handler: "node_modules/wrapper/handler.handler",
        variables: { TABLE: "orders", A: "1" },
      },
    });
    const argv = ["--handler", "whole.variables", "--set", "TABLE=a=b", "--set", "AWS_REGION=us-east-2"];
    const { code, json } = await invoke("py", { argv });
    expect([code, json]).toEqual([
      0,
      expect.objectContaining({ _HANDLER: "whole.variables", TABLE: "a=b", A: "1", AWS_REGION: "us-east-2" }),
    ]);
  });

  it.each([
    ["an event that is no JSON", ["--event", "-"], 2, "not JSON"],
    ["an event that is not there", ["--event", "nosuch.json"], 2, "cannot be read"],
    ["an inline event that is no JSON", ["--event", "{id:7}"], 2, "--event is not JSON"],
    ["a sample that there is not", ["--event", "sample:s3put"], 2, "brokerctl lambda event s3-put"],
    ["a variable without a value", ["--set", "TABLE"], 2, "--set takes NAME=VALUE, not 'TABLE'"],
    [
      "a variable that wins over the lease",
      ["--set", "AWS_PROFILE=x"],
      2,
      "--set AWS_PROFILE would win over the lease",
    ],
    ["a client context that is no object", ["--client-context", "-"], 2, "not JSON"],
    ["a timeout of nothing", ["--timeout", "0"], 2, "not '0'"],
    ["a timeout of weeks", ["--timeout", "30d"], 2, "--timeout must be at most a day"],
    ["a program that is not there", ["--", "/nosuch/bootstrap"], 127, "command not found"],
    ["a program that may not be run", ["--", join(FUNCTIONS, "app.py")], 126, "cannot run"],
  ])("refuses %s", async (_, argv, expected, said) => {
    const { code, stderr, stdout } = await fixture.run(["lambda", "invoke", "orders", "--via", "dev", ...argv], {
      clock: new SystemClock(),
      env: { PATH },
      stdin: "{",
    });
    expect([code, stdout]).toEqual([expected, ""]);
    expect(stderr).toContain(said);
    expect(leases()).toEqual(["default"]);
  });

  it("says where it looked for code that is not there", async () => {
    const root = tempDir("code", "input");
    const { code, json, stderr } = await invoke("py", { argv: ["--task-root", root] });
    expect([code, json]).toEqual([1, expect.objectContaining({ errorType: "Runtime.ImportModuleError" })]);
    expect(stderr).toContain("hint: --task-root DIR");
    expect(stderr.endsWith(`here it was ${root}\n`)).toBe(true);
  });

  it("says that an image has no handler here, and how it runs", async () => {
    const { code, stderr } = await invoke("image");
    expect(code).toBe(2);
    expect(stderr).toContain("image");
    expect(stderr).toContain("brokerctl lambda invoke image -- CMD");
    expect(await invoke("image", { event: { do: "echo" }, argv: ["--", join(FUNCTIONS, "bootstrap")] })).toMatchObject({
      code: 0,
    });
  });

  it("says that Python is not installed", async () => {
    const { code, stderr } = await invoke("py", { env: { PATH: tempDir("empty") } });
    expect([code, stderr]).toEqual([127, expect.stringContaining("python3 is not installed")]);
  });

  it("says that the bootstrap of an OS-only runtime is not there, or cannot run here", async () => {
    fixture.control.addFunction("os-only", {
      context: { runtime: "provided.al2023", handler: "bootstrap", timeout: 20 },
    });
    const root = tempDir("code", "input");
    const invokeThere = () => invoke("os-only", { argv: ["--task-root", root] });
    expect(await invokeThere()).toMatchObject({ code: 127, stdout: "" });
    const bootstrap = join(root, "bootstrap");
    writeFileSync(bootstrap, FOREIGN_ELF, { mode: 0o600 });
    const notExecutable = await invokeThere();
    expect([notExecutable.code, notExecutable.stderr]).toEqual([126, expect.stringContaining("chmod +x")]);
    chmodSync(bootstrap, 0o700);
    const foreign = await invokeThere();
    expect([foreign.code, foreign.stderr]).toEqual([126, expect.stringContaining("was built for linux/machine 40")]);
    expect(leases()).toEqual(["default"]);
  });

  it("says that the function is not there or must not be read", async () => {
    expect(await invoke("nosuch")).toMatchObject({ code: 1, stdout: "" });
    fixture.control.refusing.set("lambda-role", { code: "AccessDenied", message: "lambda:GetFunctionConfiguration" });
    expect(await invoke("orders")).toMatchObject({ code: 5, stdout: "" });
  });
});

/** The beginning of a 32-bit ARM program: ELF, little-endian, executable, machine 40. */
const FOREIGN_ELF = Buffer.concat([
  Buffer.from("\u007fELF\u0001\u0001\u0001"),
  Buffer.alloc(9),
  Buffer.of(2, 0, 40, 0),
]);

/** Answers with what came: the event as text, and the client context. */
const BACK = `#!/bin/bash
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
work=$(mktemp -d)
while curl -sS -D "$work/h" -o "$work/e" "$api/next"; do
  id=$(sed -n 's/^lambda-runtime-aws-request-id: \\(.*\\)\\r$/\\1/Ip' "$work/h")
  context=$(sed -n 's/^lambda-runtime-client-context: \\(.*\\)\\r$/\\1/Ip' "$work/h")
  python3 -c 'import json,sys; print(json.dumps({"event": open(sys.argv[1]).read(), "context": sys.argv[2]}))' "$work/e" "$context" \\
    | curl -sS -o /dev/null -X POST -H 'Content-Type: application/json' --data-binary @- "$api/$id/response"
done
`;
