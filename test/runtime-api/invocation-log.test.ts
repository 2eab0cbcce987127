import { PassThrough } from "node:stream";
import { beforeEach, describe, expect, it } from "vitest";
import { InvocationLog } from "../../src/runtime-api/invocation-log.js";
import { FakeClock } from "../support/fake-clock.js";
import { Collected } from "../support/invoke-locally.js";

let logs: Collected;
let log: InvocationLog;

beforeEach(() => {
  logs = new Collected();
  log = new InvocationLog(logs);
});

/** Follows an output that consists of these chunks. */
async function follow(...chunks: readonly string[]): Promise<void> {
  const output = new PassThrough();
  const followed = log.follow(output);
  for (const chunk of chunks) {
    output.write(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  output.end();
  await followed;
}

describe("the log of an invocation", () => {
  it("begins our lines on a new line", async () => {
    await log.line("START");
    await follow("half");
    await log.line("END");
    await log.line("REPORT");

    expect(logs.text).toBe("START\nhalf\nEND\nREPORT\n");
  });

  it("ends lines where CloudWatch does: at a carriage return too", async () => {
    await follow("[ERROR] boo\rTraceback\r  File\n", "windows\r\n");

    expect(logs.text).toBe("[ERROR] boo\nTraceback\n  File\nwindows\r\n");
  });

  it("sees a carriage return at the end of what came, whatever comes next", async () => {
    await follow("a\r", "\nb\r", "c\r");

    expect(logs.text).toBe("a\r\nb\nc\n");
  });

  it("leaves bytes that are no text as they are", async () => {
    const output = new PassThrough();
    const sink = new PassThrough();
    const followed = new InvocationLog(sink).follow(output);
    output.end(Buffer.from([0xff, 0x0d, 0xfe, 0x00]));
    await followed;

    expect(sink.read()).toEqual(Buffer.from([0xff, 0x0a, 0xfe, 0x00]));
  });

  it("waits for a slow reader, and holds nothing meanwhile", async () => {
    const slow = new PassThrough({ highWaterMark: 10 });
    const output = new PassThrough({ highWaterMark: 10 });
    const followed = new InvocationLog(slow).follow(output);

    const took = output.write("x".repeat(10)) && output.write("y".repeat(10));
    await new Promise((resolve) => setTimeout(resolve, 20));

    expect(took).toBe(false);
    expect(slow.readableLength + slow.writableLength).toBeLessThanOrEqual(20);
    slow.resume();
    output.end();
    await followed;
  });

  it("goes on when its reader goes, also in the middle of a wait", async () => {
    const reader = new PassThrough({ highWaterMark: 1 });
    const closing = new InvocationLog(reader);
    const waiting = closing.line("a line that is not read");

    reader.destroy(new Error("EPIPE"));

    await waiting;
    await closing.line("another");
  });
});

describe("quiet", () => {
  const never = new AbortController().signal;

  it("is when nothing has come for a while", async () => {
    const clock = new FakeClock();
    let quiet = false;
    void log.quiet({ clock, quietMs: 30, signal: never }).then(() => (quiet = true));

    await clock.advance(20);
    await log.line("one");
    await clock.advance(20);
    expect(quiet).toBe(false);
    await clock.advance(30);

    expect(quiet).toBe(true);
  });

  it("is given up where it never comes", async () => {
    const clock = new FakeClock();
    let over = false;
    void log.quiet({ clock, quietMs: 30, limitMs: 60, signal: never }).then(() => (over = true));

    for (const chatter of ["a", "b"]) {
      expect(over).toBe(false);
      await log.line(chatter);
      await clock.advance(30);
    }

    expect(over).toBe(true);
  });

  it("is not a reader that takes its time", async () => {
    const clock = new FakeClock();
    const slow = new PassThrough({ highWaterMark: 1 });
    const held = new InvocationLog(slow);
    void held.line("long line");
    let over = false;
    void held.quiet({ clock, quietMs: 30, limitMs: 60, signal: never }).then(() => (over = true));

    await clock.advance(600);
    expect(over).toBe(false);
    slow.resume();
    await clock.advance(60);

    expect(over).toBe(true);
  });

  it("need not come when no caller waits any more", async () => {
    const stop = new AbortController();
    const quiet = log.quiet({ clock: new FakeClock(), quietMs: 30, signal: stop.signal });

    stop.abort(new Error("over"));

    await quiet;
  });
});
