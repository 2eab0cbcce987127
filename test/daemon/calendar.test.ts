import { createTask } from "node-cron";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Calendar, type CalendarJob } from "../../src/daemon/calendar.js";
import { Sweeper } from "../../src/daemon/sweeper.js";
import { SystemClock } from "../../src/system/clock.js";
import { type LogLine, memoryLogger } from "../support/memory-logger.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** A whole number of hours, in whatever zone the test runs. */
const NOON = new Date(2026, 5, 10, 12).getTime();

const stops: (() => Promise<void>)[] = [];
const lines: LogLine[] = [];
/** When the job `midnight` ran, as the wall clock said. */
const runs: string[] = [];

/** Moves the time by hand, for node-cron, the clock and its timers alike. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: NOON });
  lines.length = runs.length = 0;
});

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  vi.useRealTimers();
});

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
/** The clock is set, or the machine slept: no timer fires by itself. */
const jump = (ms: number): unknown => vi.setSystemTime(Date.now() + ms);
const wallClock = (): string => {
  const now = new Date();
  const two = (number: number): string => String(number).padStart(2, "0");
  return `${two(now.getMonth() + 1)}-${two(now.getDate())} ${two(now.getHours())}:${two(now.getMinutes())}`;
};

const midnight: CalendarJob = {
  name: "midnight",
  cron: "0 0 * * *",
  run: async () => void runs.push(wallClock()),
};

/** As the daemon joins them: the sweep behind the calendar, a jump told to it. */
function started(jobs: readonly CalendarJob[] = [midnight], { swept = true } = {}): Calendar {
  const clock = new SystemClock();
  const logger = memoryLogger(lines);
  const calendar = new Calendar({ clock, logger, jobs });
  const sweeper = new Sweeper({
    clock,
    logger,
    sweep: async () => void (await calendar.runDue()),
    onResume: () => calendar.onResume(),
  });
  calendar.start(createTask);
  if (swept) sweeper.start();
  stops.push(async () => {
    sweeper.stop();
    await calendar.stop();
  });
  return calendar;
}

describe("the calendar", () => {
  it("runs a daily job once a day, at its minute, though every sweep asks", async () => {
    started();
    await pass(3 * DAY);
    expect(runs).toEqual(["06-11 00:00", "06-12 00:00", "06-13 00:00"]);
  });

  it("runs a job of the month on its day, after 53 days too", async () => {
    const calendar = started([{ ...midnight, cron: "0 3 1 * *" }], { swept: false });
    for (let hour = 0; hour < 53 * 24; hour++) {
      await pass(HOUR);
      await calendar.runDue();
    }
    expect(runs).toEqual(["07-01 03:00", "08-01 03:00"]);
  });

  it("runs a job that is due at start with the first sweep, and then by the calendar", async () => {
    started([{ ...midnight, dueAt: NOON }]);
    await pass(DAY);
    expect(runs).toEqual(["06-10 12:00", "06-11 00:00"]);
  });

  it("makes up for what a jump of the clock passed over before it was started, once", async () => {
    const calendar = new Calendar({ clock: new SystemClock(), logger: memoryLogger(lines), jobs: [midnight] });
    stops.push(() => calendar.stop());
    jump(3 * DAY);
    calendar.onResume();
    calendar.start(createTask);
    await pass(12 * HOUR);
    await calendar.runDue();
    expect(runs).toEqual(["06-13 12:00", "06-14 00:00"]);
  });

  it("keeps a job due while it cannot run, and runs it once when it can", async () => {
    let isReady = false;
    started([{ ...midnight, isReady: () => isReady }]);
    await pass(2 * DAY + HOUR);
    expect(runs).toEqual([]);
    isReady = true;
    await pass(HOUR);
    expect(runs).toEqual(["06-12 13:00"]);
    await pass(DAY);
    expect(runs.slice(1)).toEqual(["06-13 00:00"]);
  });

  it("does not begin a job again that still runs, and runs it afterwards if it was due meanwhile", async () => {
    let end = (): void => undefined;
    let begun = 0;
    const run = (): Promise<void> => {
      begun++;
      return new Promise((resolve) => (end = resolve));
    };
    started([{ ...midnight, run }]);
    await pass(3 * DAY);
    expect(begun).toBe(1);
    end();
    await pass(15 * SECOND);
    expect(begun).toBe(2);
    end();
  });

  it("logs a job that fails once for each run, and runs the others", async () => {
    const failing = [
      () => Promise.reject(new Error("disk full")),
      () => {
        throw new Error("thrown before the promise");
      },
    ];
    started([...failing.map((run, index) => ({ ...midnight, name: `failing-${index}`, run })), midnight]);
    await pass(2 * DAY);
    expect(runs).toHaveLength(2);
    const failures = lines.filter(({ message }) => message === "calendar job failed");
    expect(failures.map(({ level, fields }) => `${level} ${String(fields["job"])}`).sort()).toEqual([
      "error failing-0",
      "error failing-0",
      "error failing-1",
      "error failing-1",
    ]);
  });

  it("refuses what is no calendar, naming the field", () => {
    const calendar = new Calendar({
      clock: new SystemClock(),
      logger: memoryLogger(lines),
      jobs: [{ ...midnight, cron: "0 25 * * *" }],
    });
    expect(() => calendar.start(createTask)).toThrow("25");
  });
});

describe("after a jump of the clock, the calendar", () => {
  it("runs a job that was slept over once, at the wake", async () => {
    started();
    await pass(11 * HOUR);
    jump(12 * HOUR);
    await pass(15 * SECOND);
    expect(runs).toEqual(["06-11 11:00"]);
    await pass(DAY);
    expect(runs.slice(1)).toEqual(["06-12 00:00"]);
  });

  it("makes up many missed times by one run, and does not fill the log", async () => {
    started([{ ...midnight, cron: "* * * * *" }]);
    await pass(30 * SECOND);
    jump(12 * HOUR);
    await pass(20 * SECOND);
    expect(runs).toEqual(["06-11 00:00"]);
    expect(lines.map(({ message }) => message)).toEqual(["wall clock jumped"]);
  });

  it("has no timer of its own, as before", () => {
    const calendar = started([midnight, { ...midnight, cron: "0 3 1 * *" }], { swept: false });
    for (let time = 0; time < 3; time++) calendar.onResume();
    expect(vi.getTimerCount()).toBe(0);
  });

  it("runs at its time by the new clock when that was set back by an hour, and not twice", async () => {
    started();
    await pass(11 * HOUR);
    jump(-HOUR);
    await pass(HOUR + 59 * MINUTE);
    expect(runs).toEqual([]);
    await pass(MINUTE + 15 * SECOND);
    expect(runs).toEqual(["06-11 00:00"]);

    await pass(30 * MINUTE);
    jump(-HOUR);
    await pass(DAY);
    expect(runs).toEqual(["06-11 00:00"]);
    await pass(31 * MINUTE);
    expect(runs).toEqual(["06-11 00:00", "06-12 00:00"]);
  });

  it("goes by the right clock again when it had been set years ahead", async () => {
    started();
    await pass(HOUR);
    jump(2000 * DAY);
    await pass(MINUTE);
    expect(runs).toHaveLength(1);
    jump(-2000 * DAY);
    await pass(DAY);
    expect(runs.slice(1)).toEqual(["06-11 00:00"]);
  });
});

describe("a calendar that is stopped", () => {
  it("leaves no timer, runs nothing any more, and waits for the job under way", async () => {
    let end = (): void => undefined;
    const slow = { ...midnight, name: "slow", run: (): Promise<void> => new Promise((resolve) => (end = resolve)) };
    const calendar = started([slow, midnight], { swept: false });
    await pass(13 * HOUR);
    void calendar.runDue();
    await pass(SECOND);
    const stopping = { isDone: false };
    const stopped = calendar.stop().then(() => (stopping.isDone = true));
    expect(vi.getTimerCount()).toBe(0);
    await pass(DAY);
    await calendar.runDue();
    expect(runs).toHaveLength(1);
    expect(stopping.isDone).toBe(false);
    end();
    await stopped;
  });
});
