import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createTask } from "node-cron";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AuditEvent } from "../../src/audit/audit-event.js";
import { BrokerError, type BrokerErrorCode } from "../../src/core/errors.js";
import type { Schedule } from "../../src/core/schedule.js";
import { ScheduleRuns } from "../../src/daemon/schedule-runs.js";
import { Schedules } from "../../src/daemon/schedules.js";
import { Sweeper } from "../../src/daemon/sweeper.js";
import { SystemClock } from "../../src/system/clock.js";
import { memoryLogger } from "../support/memory-logger.js";
import { tempDir } from "../support/temp-dir.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const lock = (cron: string): Schedule => ({ cron, act: { do: "lock" } });
const rotate = (cron: string): Schedule => ({ cron, act: { do: "keys-rotate", source: "ops-keys" } });
const notice = (cron: string): Schedule => ({ cron, act: { do: "login-notice", source: "corp" } });
const EVENING = lock("0 19 * * 1-5");
const MONTHLY = rotate("0 3 1 * *");

const stops: (() => Promise<void>)[] = [];
let path: string;
/** What was done, and when the wall clock said so. */
let done: string[];
let record: AuditEvent[];
let isOpen: boolean;
let failure: BrokerError | undefined;
let said: string | undefined;
let reminders: number[];
let underWay: Promise<void>;
let isSwept: boolean;
let running: Schedules | undefined;

beforeEach(() => {
  vi.stubEnv("TZ", "Europe/Berlin");
  // A Wednesday.
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: new Date(2026, 5, 10, 12) });
  path = join(tempDir("schedules"), "schedules.json");
  [done, record, reminders] = [[], [], []];
  [isOpen, failure, said, underWay] = [true, undefined, undefined, Promise.resolve()];
  [isSwept, running] = [false, undefined];
});

afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

/** Swept as brokerd does it, every 15 s, where the test is about that; else every five minutes, or as often as `step` says. */
async function pass(ms: number, step = 5 * MINUTE): Promise<void> {
  if (isSwept) return void (await vi.advanceTimersByTimeAsync(ms));
  for (let left = ms; left > 0; left -= step) {
    await vi.advanceTimersByTimeAsync(Math.min(left, step));
    void running?.runDue();
    await vi.advanceTimersByTimeAsync(0);
  }
}
/** The clock is set, or the machine slept: no timer fires by itself. */
const jump = (ms: number): unknown => vi.setSystemTime(Date.now() + ms);
const two = (number: number): string => String(number).padStart(2, "0");
const wallClock = (now = new Date()): string =>
  `${two(now.getMonth() + 1)}-${two(now.getDate())} ${two(now.getHours())}:${two(now.getMinutes())}`;

/** brokerd as it joins them: the sweep behind the schedules, a jump told to them. */
async function brokerd(
  ...schedules: readonly Schedule[]
): Promise<{ schedules: Schedules; stop: () => Promise<void> }> {
  const clock = new SystemClock();
  const logger = memoryLogger();
  const act = async (what: string): Promise<void> => {
    done.push(`${wallClock()} ${what}`);
    await underWay;
    if (failure) throw failure;
  };
  const ours = new Schedules({
    ...{ clock, logger, audit: { record: (event) => void record.push(event) } },
    // At once: the time of this test does not wait for a disk.
    runs: new ScheduleRuns({ path, writeAtomic: async (to, data) => writeFileSync(to, data, { mode: 0o600 }) }),
    acts: {
      lock: () => act("lock"),
      rotateKey: async (source) => act(`rotate ${source}`).then(() => ["the old key …0001 was deleted"]),
      remind: async (source, next) => {
        reminders.push(next);
        await act(`remind ${source}`);
        return said;
      },
    },
    isStoreOpen: () => isOpen,
  });
  await ours.load();
  ours.use(schedules);
  ours.start(createTask);
  running = ours;
  const sweeper = new Sweeper({
    ...{ clock, logger, onResume: () => ours.onResume() },
    sweep: async () => void (await ours.runDue()),
  });
  if (isSwept) sweeper.start();
  const stop = async (): Promise<void> => {
    sweeper.stop();
    await ours.stop();
  };
  stops.push(stop);
  return { schedules: ours, stop };
}

const fails = (code: BrokerErrorCode): void => {
  failure = new BrokerError(code, "AWS did not answer", { hint: "brokerctl doctor" });
};

describe("a schedule", () => {
  it("is done at each of its times, once, though every sweep asks, and leaves a line on record each time", async () => {
    await brokerd(EVENING);
    await pass(7 * DAY);
    const days = ["06-10", "06-11", "06-12", "06-15", "06-16"];
    expect(done).toEqual(days.map((day) => `${day} 19:00 lock`));
    expect(record).toHaveLength(5);
    expect(record[0]).toEqual({ event: "lock", outcome: "done", detail: "by the schedule 0 19 * * 1-5" });
  });

  it("says on record which key it rotated, and what came of it", async () => {
    await brokerd(MONTHLY);
    await pass(30 * DAY);
    expect(done).toEqual(["07-01 03:00 rotate ops-keys"]);
    expect(record).toEqual([
      {
        ...{ event: "keys-rotated", outcome: "done", source: "ops-keys" },
        detail: "by the schedule 0 3 1 * *; the old key …0001 was deleted",
      },
    ]);
  });

  it("reminds of a login as far as to its next time; what it said stands on record already", async () => {
    await brokerd(notice("45 8 * * *"));
    await pass(DAY);
    said = "the login of corp is needed: brokerctl login corp";
    await pass(DAY);
    expect(reminders.map((next) => wallClock(new Date(next)))).toEqual(["06-12 08:45", "06-13 08:45"]);
    expect(record).toMatchObject([
      { event: "notice", source: "corp", detail: "by the schedule 45 8 * * *; nothing to tell" },
    ]);
  });

  it("shows when it is due next and when it ran last", async () => {
    const { schedules } = await brokerd(EVENING, MONTHLY);
    const shown = (): unknown =>
      schedules.views().map(({ nextAt, lastRunAt, ...rest }) => ({
        ...rest,
        nextAt: wallClock(new Date(nextAt ?? 0)),
        lastRunAt: lastRunAt === null ? null : wallClock(new Date(lastRunAt)),
      }));
    const [evening, monthly] = [
      { cron: "0 19 * * 1-5", do: "lock", waitsForUnlock: false, lastError: null },
      { cron: "0 3 1 * *", do: "keys-rotate ops-keys", waitsForUnlock: false, lastError: null },
    ];
    expect(shown()).toEqual([
      { ...evening, nextAt: "06-10 19:00", lastRunAt: null },
      { ...monthly, nextAt: "07-01 03:00", lastRunAt: null },
    ]);
    await pass(8 * HOUR);
    expect(shown()).toMatchObject([{ nextAt: "06-11 19:00", lastRunAt: "06-10 19:00" }, { lastRunAt: null }]);
  });
});

describe("a schedule that was slept over", () => {
  beforeEach(() => {
    isSwept = true;
  });

  it("is done once, at the wake, and then at its times", async () => {
    await brokerd(EVENING);
    await pass(6 * HOUR);
    jump(14 * HOUR);
    await pass(15 * SECOND);
    expect(done).toEqual(["06-11 08:00 lock"]);
    await pass(DAY);
    expect(done.slice(1)).toEqual(["06-11 19:00 lock"]);
  });

  it("many times over is done once", async () => {
    await brokerd(EVENING, lock("*/10 * * * *"));
    await pass(5 * MINUTE);
    jump(9 * DAY);
    await pass(15 * SECOND);
    expect(done).toEqual(["06-19 12:05 lock", "06-19 12:05 lock"]);
  });

  it.each([-1, -2, 1])("is done at its time by a clock that was set by %i h, and once", async (hours) => {
    await brokerd(EVENING);
    await pass(5 * HOUR);
    jump(hours * HOUR);
    await pass(DAY - hours * HOUR);
    expect(done).toEqual(["06-10 19:00 lock"]);
    jump(-HOUR);
    await pass(DAY);
    expect(done.slice(1)).toEqual(["06-11 19:00 lock"]);
  });

  it("is not done again where the clock is set back over its time by an hour just after it", async () => {
    await brokerd(EVENING);
    await pass(7 * HOUR + MINUTE);
    jump(-HOUR);
    await pass(3 * HOUR);
    expect(done).toEqual(["06-10 19:00 lock"]);
  });
});

describe("over a change of summer time, a schedule", () => {
  const at = (...date: readonly [number, number, number, number]): void => void vi.setSystemTime(new Date(...date));

  it("keeps its time on the wall", async () => {
    at(2026, 2, 28, 12);
    await brokerd(lock("0 19 * * *"));
    await pass(2 * DAY);
    expect(done).toEqual(["03-28 19:00 lock", "03-29 19:00 lock"]);
  });

  it("for a time that this day does not have is done the next day", async () => {
    at(2026, 2, 28, 12);
    await brokerd(lock("30 2 * * *"));
    await pass(2 * DAY);
    expect(done).toEqual(["03-30 02:30 lock"]);
  });

  it("for a time that comes twice is done once, and nothing spins meanwhile", async () => {
    at(2026, 9, 24, 12);
    await brokerd(lock("30 2 * * *"), lock("0 0 * * *"));
    await pass(14 * HOUR);
    expect(vi.getTimerCount()).toBe(0);
    await pass(34 * HOUR);
    expect(done).toEqual(["10-25 00:00 lock", "10-25 02:30 lock", "10-26 00:00 lock", "10-26 02:30 lock"]);
  });

  it.each([...["Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Africa/Cairo"]])(
    "goes from each of its times to a later one, in %s",
    (zone) => {
      vi.stubEnv("TZ", zone);
      for (const cron of ["*/30 * * * *", "30 2 * * *", "0 0 * * *", "59 23 * * 6", "15 1,2,3 * * *"]) {
        at(2026, 0, 1, 0);
        const task = createTask(cron, () => undefined);
        const times = task.getNextRuns(cron.startsWith("*/") ? 17_000 : 300).map((time) => time.getTime());
        void task.destroy();
        expect(times.filter((time, index) => index > 0 && time <= (times[index - 1] ?? 0))).toEqual([]);
      }
    },
  );
});

describe("a schedule that was due while brokerd did not run", () => {
  it("is done once by the next brokerd, and not again by the one after it", async () => {
    await (await brokerd(MONTHLY)).stop();
    jump(30 * DAY);
    const { stop } = await brokerd(MONTHLY);
    await pass(MINUTE, 15 * SECOND);
    expect(done).toEqual(["07-10 12:00 rotate ops-keys"]);
    await stop();
    await brokerd(MONTHLY);
    await pass(DAY);
    expect(done).toHaveLength(1);
  });

  it("is not made up where it was not in the config", async () => {
    await (await brokerd(EVENING)).stop();
    await (await brokerd(MONTHLY)).stop();
    jump(9 * DAY);
    await brokerd(EVENING);
    await pass(MINUTE);
    expect(done).toEqual([]);
  });

  it("is not done a second time where brokerd was killed in the middle of it", async () => {
    underWay = new Promise(() => undefined);
    const killed = await brokerd(MONTHLY);
    await pass(21 * DAY);
    expect(done).toHaveLength(1);
    // It waits for what is under way, which never ends.
    stops.length = 0;
    void killed.stop();
    await brokerd(MONTHLY);
    await pass(DAY);
    expect(done).toHaveLength(1);
  });

  it("is done at its times where its file cannot be read, which stays as it is and is told", async () => {
    writeFileSync(path, '{"version":9}', { mode: 0o600 });
    const { schedules } = await brokerd(EVENING);
    await pass(DAY);
    expect(done).toHaveLength(1);
    expect(schedules.problem).toContain("a newer version of credbroker wrote it");
    expect(readFileSync(path, "utf8")).toBe('{"version":9}');
  });
});

describe("schedules of a changed config", () => {
  it("are in force at once: a new one is done, a removed one is not", async () => {
    const { schedules } = await brokerd(EVENING);
    schedules.use([MONTHLY]);
    await pass(21 * DAY);
    expect(done).toEqual(["07-01 03:00 rotate ops-keys"]);
    expect(schedules.views().map(({ do: act }) => act)).toEqual(["keys-rotate ops-keys"]);
    schedules.use([]);
    await pass(40 * DAY);
    expect(done).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("that are the same keep what is due, and what failed", async () => {
    const { schedules } = await brokerd(MONTHLY);
    isOpen = false;
    await pass(21 * DAY);
    schedules.use([EVENING, MONTHLY]);
    isOpen = true;
    await pass(MINUTE, 15 * SECOND);
    expect(done).toEqual(["07-01 12:00 rotate ops-keys"]);
  });
});

describe("a schedule that cannot be done", () => {
  it("because the store is locked waits for its unlock, says so, and is done once", async () => {
    const { schedules } = await brokerd(MONTHLY);
    isOpen = false;
    await pass(21 * DAY);
    expect(schedules.views()).toMatchObject([{ waitsForUnlock: true, lastError: null }]);
    expect(done).toEqual([]);
    isOpen = true;
    await pass(DAY);
    expect(done).toEqual(["07-01 12:05 rotate ops-keys"]);
    expect(schedules.views()).toMatchObject([{ waitsForUnlock: false }]);
  });

  it("because AWS is not reachable is tried again, ever more slowly, until it is; the failure stands in status till then", async () => {
    const { schedules } = await brokerd(MONTHLY);
    fails("AwsUnreachable");
    await pass(20 * DAY + 14 * HOUR + 59 * MINUTE);
    await pass(41 * MINUTE, MINUTE);
    const minutes = done.map((line) => line.slice(9, 11));
    expect(minutes).toEqual(["00", "01", "03", "07", "15", "25", "35"]);
    expect(schedules.views()).toMatchObject([
      { lastError: { code: "AwsUnreachable", message: "AWS did not answer", hint: "brokerctl doctor" } },
    ]);
    failure = undefined;
    await pass(DAY);
    expect(done).toHaveLength(8);
    expect(schedules.views()).toMatchObject([{ lastError: null }]);
    expect(record.map(({ outcome }) => outcome)).toEqual([...minutes.map(() => "failed"), "done"]);
  });

  it("because AWS is not reachable is tried again by the next brokerd", async () => {
    const { stop } = await brokerd(MONTHLY);
    fails("AwsUnreachable");
    await pass(20 * DAY + 15 * HOUR);
    await stop();
    failure = undefined;
    await brokerd(MONTHLY);
    await pass(MINUTE);
    expect(done).toHaveLength(2);
  });

  it("because AWS refuses it is not tried before its next time, and stays in status, over a restart too", async () => {
    const { stop } = await brokerd(MONTHLY);
    fails("AssumeRoleDenied");
    await pass(29 * DAY);
    await stop();
    expect(done).toHaveLength(1);
    expect(record).toMatchObject([{ event: "keys-rotated", outcome: "failed", code: "AssumeRoleDenied" }]);
    const { schedules } = await brokerd(MONTHLY);
    expect(schedules.views()).toMatchObject([{ lastError: { code: "AssumeRoleDenied" } }]);
  });
});

describe("without a schedule", () => {
  it("there is no file and no timer", async () => {
    await brokerd();
    await pass(DAY);
    expect(existsSync(path)).toBe(false);
  });
});
