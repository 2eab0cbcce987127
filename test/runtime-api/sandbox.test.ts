import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FunctionPool } from "../../src/runtime-api/function-pool.js";
import { Sandbox, type SandboxOptions } from "../../src/runtime-api/sandbox.js";
import { SystemClock } from "../../src/system/clock.js";
import { ProcPeers } from "../../src/system/peer-identity.js";
import { killGroup } from "../../src/system/run-program.js";
import { BUILT_CLIENTS, Collected, FUNCTION_ARN, LOCAL_ENV } from "../support/invoke-locally.js";
import { tempDir } from "../support/temp-dir.js";

const HANDLER = `
let events = 0;
export const handler = async (event) => {
  if (event.crash) process.exit(3);
  if (event.hang) await new Promise((resolve) => setTimeout(resolve, 60_000));
  if (event.fail) throw new TypeError("no such order");
  if (event.until) while (!globalThis.go) await new Promise((resolve) => setTimeout(resolve, 5));
  if (event.say) console.log("handled " + event.say);
  return { events: ++events, pid: process.pid };
};
`;

const clock = new SystemClock();
let logs: Collected;
let options: SandboxOptions;
const closing: { close: () => Promise<void> }[] = [];

beforeEach(() => {
  const cwd = tempDir("function");
  writeFileSync(join(cwd, "app.mjs"), HANDLER);
  logs = new Collected();
  options = {
    ...{ context: { functionArn: FUNCTION_ARN, version: "7", memorySize: 256 }, env: LOCAL_ENV, cwd, logs, clock },
    ...{ peers: new ProcPeers({ clock }), killGroup },
    command: { file: BUILT_CLIENTS.nodePath, args: [BUILT_CLIENTS.nodeBootstrap, "app.handler"] },
  };
});

afterEach(async () => {
  for (const one of closing.splice(0)) await one.close();
});

function sandbox(): Sandbox {
  const made = new Sandbox(options);
  closing.push(made);
  return made;
}

const event = (value: object, timeoutMs = 30_000) => ({
  ...{ event: Buffer.from(JSON.stringify(value)), timeoutMs, streamTo: new PassThrough().resume(), isKept: true },
});

interface Handled {
  readonly events: number;
  readonly pid: number;
}

async function handled(one: Sandbox, value: object = {}): Promise<Handled> {
  return JSON.parse((await one.invoke(event(value))).payload.toString()) as Handled;
}

describe("a sandbox", () => {
  it("starts its runtime once and gives it one event after the other", async () => {
    const one = sandbox();

    const first = await one.invoke(event({}));
    const second = await one.invoke(event({}));

    expect(JSON.parse(first.payload.toString())).toMatchObject({ events: 1 });
    expect(JSON.parse(second.payload.toString())).toMatchObject({ events: 2 });
    expect(first.initDurationMs).toBeGreaterThan(0);
    expect(second.initDurationMs).toBeUndefined();
    expect(second.requestId).not.toBe(first.requestId);
    expect(logs.text.match(/^START /gm)).toHaveLength(2);
    expect(logs.text.match(/Init Duration/g)).toHaveLength(1);
  });

  it("keeps a runtime whose handler failed, as Lambda does", async () => {
    const one = sandbox();
    await handled(one);

    const failed = await one.invoke(event({ fail: true }));

    expect(failed).toMatchObject({ status: "handled-error", error: { errorType: "TypeError" } });
    expect(await handled(one)).toMatchObject({ events: 2 });
  });

  it.each([
    ["crashed", { crash: true }, 30_000, "exit"],
    ["took longer than its timeout", { hang: true }, 300, "timeout"],
  ])("starts a new runtime after one that %s", async (_, value, timeoutMs, status) => {
    const one = sandbox();
    const { pid } = await handled(one);

    expect(await one.invoke(event(value, timeoutMs))).toMatchObject({ status });

    const next = await handled(one);
    expect(next.events).toBe(1);
    expect(next.pid).not.toBe(pid);
  });

  it("starts a new runtime where the last one ended while it waited", async () => {
    const one = sandbox();
    const { pid } = await handled(one);
    process.kill(pid, "SIGKILL");
    while (one.isWarm) await clock.sleep(5);

    expect(await handled(one)).toMatchObject({ events: 1 });
  });

  it("rejects where its program cannot be run, and leaves nothing", async () => {
    options = { ...options, command: { file: "/nonexistent/runtime", args: [] } };
    const one = sandbox();

    await expect(one.invoke(event({}))).rejects.toMatchObject({ code: "UsageInvalid" });
    expect(one.isWarm).toBe(false);
  });
});

describe("a pool of sandboxes", () => {
  function pool(limit: number): FunctionPool {
    const made = new FunctionPool({ ...options, limit });
    closing.push(made);
    return made;
  }

  const pidOf = (outcome: { payload: Buffer } | undefined): number =>
    (JSON.parse(outcome?.payload.toString() ?? "{}") as Handled).pid;

  it("runs events at once in runtimes of their own, and takes a warm one again", async () => {
    const some = pool(3);

    const [a, b] = await Promise.all([some.invoke(event({})), some.invoke(event({}))]);
    const c = await some.invoke(event({}));

    expect(pidOf(a)).not.toBe(pidOf(b));
    expect([pidOf(a), pidOf(b)]).toContain(pidOf(c));
  });

  it("tells what came of each event", async () => {
    const told: (string | undefined)[] = [];
    const some = new FunctionPool({ ...options, limit: 1, onOutcome: ({ error }) => void told.push(error?.errorType) });
    closing.push(some);

    await some.invoke(event({ fail: true }));
    await some.invoke(event({}));

    expect(told).toEqual(["TypeError", undefined]);
  });

  it("throttles what is beyond its limit", async () => {
    const some = pool(1);

    const running = some.invoke(event({}));
    expect(await some.invoke(event({}))).toBeUndefined();

    expect((await running)?.status).toBe("success");
  });

  it("runs what comes after a restart in a new runtime", async () => {
    const some = pool(1);
    const before = pidOf(await some.invoke(event({})));

    await some.restart();

    expect(pidOf(await some.invoke(event({})))).not.toBe(before);
  });

  it("tells the end of what an event logged, and nothing of the one before", async () => {
    const some = pool(1);
    await some.invoke(event({ say: "first" }));

    const second = await some.invoke(event({ say: "second" }));

    expect(second?.logTail.toString()).toContain("handled second");
    expect(second?.logTail.toString()).not.toContain("handled first");
  });
});
