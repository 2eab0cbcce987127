import { describe, expect, it } from "vitest";
import { BrokerError, type BrokerErrorCode } from "../../src/core/errors.js";
import { type Failure, mayRetry, nextFailure } from "../../src/core/retry-schedule.js";

const NOW = Date.parse("2026-01-01T00:00:00Z");
const unreachable = new BrokerError("AwsUnreachable", "no route");

interface Circumstances {
  readonly failures?: number;
  readonly random?: number;
  readonly soon?: boolean;
}

/** The pause after so many failures in a row, milliseconds. */
function pause(error: BrokerError, { failures = 1, random = 0, soon }: Circumstances = {}): number {
  const previous: Failure = { error, count: failures - 1, retryAt: NOW - 1 };
  const asked = { error, previous: failures === 1 ? undefined : previous, now: NOW, random: () => random };
  return nextFailure(soon === undefined ? asked : { ...asked, soon }).retryAt - NOW;
}

describe("the pause after a failure that can pass by itself", () => {
  it("doubles from a second to a minute, half of it by chance", () => {
    const counts = [1, 2, 3, 4, 5, 6, 7, 8, 100];
    const longest = [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000];
    expect(counts.map((failures) => pause(unreachable, { failures, random: 1 }))).toEqual(longest);
    expect(counts.map((failures) => pause(unreachable, { failures, random: 0 }))).toEqual(longest.map((ms) => ms / 2));
    expect(pause(unreachable, { failures: 3, random: 0.5 })).toBe(3000);
  });

  it("is two seconds at most where the next fetch is expected soon, however many failed", () => {
    expect(pause(unreachable, { failures: 1, random: 1, soon: true })).toBe(1000);
    expect(pause(unreachable, { failures: 2, random: 1, soon: true })).toBe(2000);
    expect(pause(unreachable, { failures: 50, random: 1, soon: true })).toBe(2000);
    expect(pause(unreachable, { failures: 50, random: 1, soon: false })).toBe(60_000);
  });

  it("is as long as the upstream asks, a minute at most, and never shorter than without", () => {
    const asking = (retryAfterMs: number): BrokerError =>
      new BrokerError("AwsUnreachable", "throttled", { retryAfterMs });
    expect(pause(asking(30_000))).toBe(30_000);
    expect(pause(asking(30_000), { soon: true })).toBe(30_000);
    expect(pause(asking(600_000))).toBe(60_000);
    expect(pause(asking(10), { failures: 4 })).toBe(4000);
  });

  it("is the same for a failure of ours", () => {
    expect(pause(new BrokerError("InternalError", "unexpected"), { failures: 2, random: 1 })).toBe(2000);
  });
});

describe("the pause after a failure that waits for what is outside of us", () => {
  it.each<[BrokerErrorCode, number]>([
    ["AssumeRoleDenied", 60_000],
    ["ConfigInvalid", 60_000],
    ["LoginRequired", 5000],
    ["MfaRequired", 5000],
    ["StoreLocked", 5000],
    ["KeyMissing", 5000],
  ])("is the same however often it failed: %s, %i ms", (code, ms) => {
    const error = new BrokerError(code, "from the test");
    for (const failures of [1, 9]) expect(pause(error, { failures, random: 1, soon: true })).toBe(ms);
  });
});

it("failures in a row are counted, from one", () => {
  const first = nextFailure({ error: unreachable, previous: undefined, now: NOW, random: () => 0 });
  const second = nextFailure({ error: unreachable, previous: first, now: NOW + 500, random: () => 0 });

  expect([first.count, second.count]).toEqual([1, 2]);
  expect([first.error, second.retryAt]).toEqual([unreachable, NOW + 500 + 1000]);
});

it("another try is made where none failed, when its time has come, and where the clock was set back far", () => {
  const failure: Failure = { error: unreachable, count: 1, retryAt: NOW };

  expect(mayRetry(undefined, NOW)).toBe(true);
  expect(mayRetry(failure, NOW - 1)).toBe(false);
  expect(mayRetry(failure, NOW)).toBe(true);
  expect(mayRetry(failure, NOW - 60_000)).toBe(false);
  expect(mayRetry(failure, NOW - 60_001)).toBe(true);
});
