import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { TestBroker } from "../support/broker.js";
import { InProcessBroker } from "../support/in-process-broker.js";
import { jumpingClock } from "../support/jumping-clock.js";
import { type SsoBroker, startSsoBroker } from "../support/sso-broker.js";
import { tempDir } from "../support/temp-dir.js";

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const DAY = 24 * HOUR;
const DAY_SECONDS = 86_400;

const closes: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closes.splice(0)) await close();
});

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 20));
}

async function loggedIn(): Promise<SsoBroker> {
  const fixture = await startSsoBroker();
  closes.push(() => fixture.close());
  fixture.center.settings.sessionSeconds = 90 * DAY_SECONDS;
  await fixture.logIn();
  return fixture;
}

const warningsOf = async ({ broker }: SsoBroker): Promise<string> =>
  (await broker.call("status", {})).daemon.warnings.filter((warning) => warning.includes("login")).join("\n");
const inLog = ({ broker }: SsoBroker, text: string): boolean => broker.log.some(({ message }) => message === text);

describe("a login that Identity Center will not renew for much longer", () => {
  it("is told of by status and the log a week before, until the user logs in again", async () => {
    const fixture = await loggedIn();
    await fixture.broker.clock.advance(20 * SECOND);
    expect(await warningsOf(fixture)).toBe("");
    fixture.broker.clock.jump(84 * DAY);
    await fixture.broker.clock.advance(20 * SECOND);
    await until(() => inLog(fixture, "login cannot be renewed for long, log in again"));
    expect(await warningsOf(fixture)).toContain("the login of corp can be renewed until 2026-04-01 only");
    expect(await warningsOf(fixture)).toContain("brokerctl login corp");
    await fixture.logIn();
    expect(await warningsOf(fixture)).toBe("");
  });

  it("is checked at a start too, as soon as the store is open", async () => {
    const fixture = await loggedIn();
    await fixture.broker.call("lock", {});
    await fixture.broker.stop();
    fixture.broker.clock.jump(84 * DAY);
    await fixture.broker.start();
    fixture.broker.log.length = 0;
    await fixture.broker.clock.advance(HOUR);
    expect(inLog(fixture, "calendar job failed")).toBe(false);
    expect(await warningsOf(fixture)).not.toContain("corp");
    await fixture.broker.call("unlock", {});
    await until(async () => (await warningsOf(fixture)).includes("corp"));
    await fixture.broker.clock.advance(20 * SECOND);
    await until(() => inLog(fixture, "login cannot be renewed for long, log in again"));
  });
});

describe("the log", () => {
  it("begins anew once after nights asleep, and not at a start", async () => {
    // node-cron reads it: far from midnight, whenever the test runs.
    vi.useFakeTimers({ toFake: ["Date"], now: new Date(2026, 5, 10, 12) });
    const broker = await InProcessBroker.create();
    closes.push(() => broker.close());
    await broker.start();
    await broker.clock.advance(60 * SECOND);
    expect(broker.rotations).toBe(0);
    broker.clock.jump(3 * DAY);
    await broker.clock.advance(60 * SECOND);
    await until(() => broker.rotations > 0);
    await broker.clock.advance(60 * SECOND);
    expect(broker.rotations).toBe(1);
  });

  it("of brokerd itself has a file for each day, and `brokerctl logs` prints over them", async () => {
    const offset = join(tempDir("clock"), "offset");
    const broker = await TestBroker.create({ name: "days", config: "", env: { CREDBROKER_TEST_CLOCK: offset } });
    closes.push(() => broker.stop("SIGKILL"));
    await broker.start([], [jumpingClock(broker.home)]);
    const files = (): readonly string[] =>
      readdirSync(join(broker.home, "state")).filter((name) => name.startsWith("brokerd.log"));
    writeFileSync(offset, String(DAY));
    broker.process?.kill("SIGUSR2");
    await until(() => files().length > 1);
    await broker.stop();
    const { stdout } = await broker.ctl(["logs", "--json"]);
    const told = stdout
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(told).toEqual(expect.arrayContaining(["started", "wall clock jumped", "stopped"]));
    expect(told.indexOf("started")).toBeLessThan(told.indexOf("stopped"));
  });
});
