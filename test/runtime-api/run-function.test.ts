import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { FakeClock, settle } from "../support/fake-clock.js";
import { Collected, Counted, LOCAL_ENV, type RunOptions, run as runWith } from "../support/invoke-locally.js";
import { tempDir } from "../support/temp-dir.js";

/** Functions that a shell script can be: `next`, `respond TEXT` and `fail TEXT` speak to the API. */
const SHELL = `
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
next() { curl -sS -D headers -o event "$api/invocation/next" || exit 90; id=$(sed -n 's/^lambda-runtime-aws-request-id: \\(.*\\)\\r$/\\1/Ip' headers); }
respond() { curl -sS -o /dev/null -H 'Content-Type: text/plain' -d "$1" "$api/invocation/$id/response"; }
fail() { curl -sS -o /dev/null -d "$1" "$api/invocation/$id/error"; }
`;

/** Takes the event and writes a response to the socket, of which less may come than it announces. */
function rawPost(length: string, body: string): string {
  const head = `POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\\r\\nHost: %s\\r\\nContent-Length: ${length}\\r\\n\\r\\n`;
  return `next; exec 3<>/dev/tcp/\${AWS_LAMBDA_RUNTIME_API/:/\\/}; printf '${head}${body}' $id $AWS_LAMBDA_RUNTIME_API >&3`;
}

function run(script: string, options: Partial<RunOptions> = {}) {
  return runWith({ cwd: tempDir("function"), ...options, command: ["bash", "-c", SHELL + script] });
}

describe("a runtime that ends by itself", () => {
  it("has succeeded once it has answered, whether it asks for another event or not", async () => {
    const { outcome, logs } = await run("next; respond 1; exit 0");

    expect(outcome).toMatchObject({ status: "success", exit: { code: 0, signal: null }, contentType: "text/plain" });
    expect(logs).not.toContain("Runtime.ExitError");
  });

  it("has succeeded also when it then ends badly, which the log says", async () => {
    const { outcome, logs } = await run("next; respond 1; exit 3");

    expect(outcome).toMatchObject({ status: "success", exit: { code: 3 } });
    expect(logs).toContain("Runtime exited with error: exit status 3\nRuntime.ExitError");
  });

  it("leaves its error unhandled", async () => {
    const { outcome } = await run(`next; fail '{"errorType":"Panic","errorMessage":"boo"}'; exit 2`);

    expect(outcome).toMatchObject({ status: "unhandled", error: { errorType: "Panic", errorMessage: "boo" } });
  });

  it("is heard to the end: what it had sent when it ended counts", async () => {
    // It does not wait for the answer to its post: the post and the end of the process race.
    const { outcome } = await run(`${rawPost("3000000", "")}; head -c 3000000 /dev/zero | tr '\\0' 1 >&3; exit 0`);

    expect({ status: outcome.status, bytes: outcome.payload.length }).toEqual({ status: "success", bytes: 3_000_000 });
  });

  it("has not even begun, where it never asked for the event", async () => {
    const { outcome, logs, result } = await run("echo starting; exit 0");

    expect(outcome).toMatchObject({ status: "exit", phase: "init", initDurationMs: undefined, exit: { code: 0 } });
    expect(result).toEqual({
      errorType: "Runtime.ExitError",
      errorMessage: `RequestId: ${outcome.requestId} Error: Runtime exited without providing a reason`,
    });
    expect(logs).toMatch(
      /^starting\nSTART RequestId: .*\n.*Error: Runtime exited .*\nRuntime\.ExitError\nEND .*\nREPORT /,
    );
  });

  it("may have said that it cannot start", async () => {
    const { outcome } = await run(
      `curl -s -d '{"errorType":"Init","errorMessage":"boo"}' $api/init/error > /dev/null; exit 1`,
    );

    expect(outcome).toMatchObject({ status: "init-error", phase: "init", error: { errorMessage: "boo" } });
  });

  it.each([
    ["KILL", "killed"],
    ["SEGV", "segmentation fault"],
    ["USR1", "SIGUSR1"],
  ])("is told with the signal where it dies of SIG%s", async (signal, word) => {
    const { outcome } = await run(`next; kill -${signal} $$; sleep 10`);

    expect(outcome).toMatchObject({ status: "exit", exit: { code: null, signal: `SIG${signal}` } });
    expect(outcome.error?.errorMessage).toContain(`Runtime exited with error: signal: ${word}`);
  });

  it("in the middle of its answer", async () => {
    const { outcome } = await run(`${rawPost("9", "half")}; exit 4`);

    expect(outcome).toMatchObject({ status: "exit", exit: { code: 4 }, error: { errorType: "Runtime.ExitError" } });
  });
});

describe("the timeout", () => {
  it("counts from the event on, by the clock, and ends the whole process group", async () => {
    const clock = new FakeClock();
    const logs = new Collected();
    const cwd = tempDir("function");
    const running = run("sleep 3600 & echo $! > child; next; echo taken; wait", { clock, logs, cwd, timeoutMs: 3_000 });
    await logs.holds("taken");

    await clock.advance(2_999);
    let over = false;
    void running.then(() => (over = true));
    await settle();
    expect(over).toBe(false);
    await clock.advance(1);
    const { outcome } = await running;

    expect(outcome).toMatchObject({ status: "timeout", phase: "invoke", durationMs: 3_000 });
    expect(logs.text).toContain(`Z ${outcome.requestId} Task timed out after 3.00 seconds\nEND `);
    await gone(Number(readFileSync(join(cwd, "child"), "utf8")));
  });

  it("gives a start Lambda's 10 seconds on top", async () => {
    const clock = new FakeClock();
    const logs = new Collected();
    const running = run("echo no client; sleep 3600", { clock, logs, timeoutMs: 3_000 });
    await logs.holds("no client");

    await clock.advance(13_000);
    const { outcome, result } = await running;

    expect(outcome).toMatchObject({ status: "timeout", phase: "init", initDurationMs: undefined });
    expect(result).toMatchObject({ errorMessage: expect.stringContaining("timed out after 13.00 seconds") as unknown });
  });

  it("also ends a runtime that answered and does not come back", async () => {
    const clock = new FakeClock();
    const logs = new Collected();
    const running = run("next; respond 1; echo answered; sleep 3600", { clock, logs, timeoutMs: 500 });
    await logs.holds("answered");
    await clock.advance(500);
    const { outcome } = await running;

    expect(outcome).toMatchObject({ status: "timeout", error: { errorType: "Sandbox.Timedout" } });
  });

  it("is not held up by a slow reader of the log", async () => {
    const clock = new FakeClock();
    const cwd = tempDir("function");
    const logs = new PassThrough({ highWaterMark: 1 });
    const running = run("next; echo $$ > self; yes", { clock, cwd, logs, timeoutMs: 500 });
    await expect.poll(() => existsSync(join(cwd, "self")) && readFileSync(join(cwd, "self"), "utf8")).toMatch(/\d+\n/);
    await clock.advance(500);
    // Ended, and no byte has been read.
    await gone(Number(readFileSync(join(cwd, "self"), "utf8")));
    const seen = new Counted();
    logs.pipe(seen);

    const { outcome } = await passing(clock, running);

    expect(outcome).toMatchObject({ status: "timeout", durationMs: 500 });
    expect(seen.bytes).toBeGreaterThan(0);
  });
});

describe("the runtime's process", () => {
  it("gets the function's directory, its environment, and no stdin", async () => {
    const cwd = tempDir("function");
    const env = { ...LOCAL_ENV, GREETING: "hello" };

    const { result } = await run('next; respond "\\"$PWD $GREETING $(cat | wc -c)\\""', { cwd, env });

    expect(result).toBe(`${cwd} hello 0`);
  });

  it("is ended, with all that it started, once it asks for another event", async () => {
    const cwd = tempDir("function");

    await run("sleep 3600 & echo $! > child; next; respond 1; next", { cwd });

    await gone(Number(readFileSync(join(cwd, "child"), "utf8")));
  });

  it("does not hold us up by what has left its process group", async () => {
    const cwd = tempDir("function");

    // It outlives this test's own limit.
    const { outcome } = await run("setsid sleep 600 & echo $! > child; next; respond 1; next", { cwd });

    expect(outcome.status).toBe("success");
    process.kill(Number(readFileSync(join(cwd, "child"), "utf8")), "SIGKILL");
  });

  it("does not hold us up by what has left its process group and prints without end", async () => {
    const cwd = tempDir("function");
    const chatter = "setsid bash -c 'echo $$ > child; while sleep 0.1; do echo still here; done'";

    const { outcome } = await run(`${chatter} & next; respond 1; next`, { cwd });

    expect(outcome.status).toBe("success");
    process.kill(Number(readFileSync(join(cwd, "child"), "utf8")), "SIGKILL");
  });

  it("loses nothing that it prints while it waits for another event", async () => {
    const logs = new Counted();
    const clock = new FakeClock();
    const running = run("next; (head -c 5000000 /dev/zero; sleep 0.01; printf end) & respond 1; next", { logs, clock });
    // Until it is quiet, which is a matter of the clock, it is listened to.
    await expect.poll(() => logs.bytes).toBeGreaterThan(5_000_000);
    await passing(clock, running);

    expect(logs.bytes).toBeGreaterThan(5_000_000);
  });

  it("tells how much memory it had, with all that it started", async ({ skip }) => {
    if (process.platform !== "linux") skip("only Linux says it");
    const clock = new FakeClock();
    const collected = new Collected();
    const cwd = tempDir("function");
    writeFileSync(join(cwd, "hungry.py"), HUNGRY);

    const running = run("next; (python3 hungry.py); respond 1; next", { clock, cwd, logs: collected });
    await collected.holds("held");
    // It is looked at four times a second.
    await clock.advance(250);
    writeFileSync(join(cwd, "go"), "");
    const { outcome } = await passing(clock, running);

    expect(outcome.maxMemoryBytes).toBeGreaterThan(80_000_000);
    expect(outcome.maxMemoryBytes).toBeLessThan(200_000_000);
    expect(collected.text).toMatch(/\tMax Memory Used: \d+ MB/);
  });

  it("is ended when the caller wants it, who gets the reason", async () => {
    const cwd = tempDir("function");
    const logs = new Collected();
    const caller = new AbortController();
    const running = run("echo $$ > self; next; echo taken; sleep 3600", { cwd, logs, signal: caller.signal });
    await logs.holds("taken");

    caller.abort(new Error("Ctrl-C"));

    await expect(running).rejects.toThrow("Ctrl-C");
    await gone(Number(readFileSync(join(cwd, "self"), "utf8")));
  });

  it("is not even started when the caller has had enough before", async () => {
    const cwd = tempDir("function");

    await expect(run("echo > started", { cwd, signal: AbortSignal.abort(new Error("Ctrl-C")) })).rejects.toThrow(
      "Ctrl-C",
    );

    expect(() => readFileSync(join(cwd, "started"))).toThrow();
  });
});

it("ends with us, however we end", async () => {
  const cwd = tempDir("function");

  const child = spawn(process.execPath, ["--import", "tsx", "test/runtime-api/exits-while-running.child.ts", cwd]);
  const [code] = (await once(child, "close")) as [number];

  expect(code).toBe(3);
  await gone(Number(readFileSync(join(cwd, "self"), "utf8")));
});

describe("a command that cannot be run", () => {
  const start = (command: readonly string[], cwd = tempDir("function")) =>
    brokerErrorOf(() => runWith({ command, cwd }));

  it("is not found", async () => {
    expect(await start(["no-such-client"])).toMatchObject({
      code: "UsageInvalid",
      message: "command not found: no-such-client",
      cause: { code: "ENOENT" },
    });
  });

  it("may not be executed", async () => {
    const cwd = tempDir("function");
    writeFileSync(join(cwd, "bootstrap"), "#!/bin/sh\n", { mode: 0o600 });

    expect(await start(["./bootstrap"], cwd)).toMatchObject({ code: "UsageInvalid", cause: { code: "EACCES" } });
  });

  it("is not blamed for a directory that is not there", async () => {
    const error = await start(["bash"], join(tempDir("function"), "gone"));

    expect(error).toMatchObject({ code: "UsageInvalid" });
    expect(error.message).toContain("no such directory");
  });

  it("leaves no port open", async () => {
    const ports = () => process.getActiveResourcesInfo().filter((kind) => kind === "TCPServerWrap").length;

    await start(["no-such-client"]);

    // Handles are let go a moment after their close.
    while (ports() > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  });
});

it("survives a log whose reader has gone", async () => {
  const logs = new PassThrough();
  logs.destroy(new Error("EPIPE"));
  await once(logs, "close").catch(() => undefined);

  const { outcome } = await run("next; echo printed; respond 1; next", { logs });

  expect(outcome.status).toBe("success");
});

/** Holds memory until a file is there. */
const HUNGRY = `
import os, time
held = bytearray(80_000_000)
print("held", flush=True)
while not os.path.exists("go"):
    time.sleep(0.01)
`;

/** Lets time pass until the run is over: its ends wait for quiet. */
async function passing<T>(clock: FakeClock, running: Promise<T>): Promise<T> {
  const watched = { isOver: false };
  const over = (): void => void (watched.isOver = true);
  running.then(over, over);
  while (!watched.isOver) await clock.advance(30);
  return running;
}

/** Resolves when the process is no more, or only a zombie whose parent has not asked. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    const state = spawnState(pid);
    if (state === undefined || state === "Z") return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function spawnState(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
    return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1];
  } catch {
    return undefined;
  }
}
