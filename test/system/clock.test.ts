import { describe, expect, it, vi } from "vitest";
import { SystemClock } from "../../src/system/clock.js";

const DAY_MS = 24 * 60 * 60_000;

describe("the system's clock", () => {
  const clock = new SystemClock();

  it("tells the wall clock", () => {
    const before = Date.now();
    expect(clock.now()).toBeGreaterThanOrEqual(before);
    expect(clock.now()).toBeLessThanOrEqual(Date.now());
  });

  it("fires at once what is already due, and not what was cancelled", async () => {
    const fired: string[] = [];
    const cancel = clock.after(0, () => fired.push("cancelled"));
    cancel();
    await new Promise<void>((resolve) => {
      clock.after(-5, () => fired.push("due"));
      clock.after(5, resolve);
      void clock.sleep(50); // holds the process, as timers of `after` do not
    });
    cancel();
    expect(fired).toEqual(["due"]);
  });

  it("does not fire at once what is a month away, where setTimeout would", () => {
    vi.useFakeTimers();
    try {
      let fired = 0;
      clock.after(30 * DAY_MS, () => fired++);
      vi.advanceTimersByTime(60_000);
      expect(fired).toBe(0);
      vi.advanceTimersByTime(DAY_MS / 2);
      expect(fired).toBe(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it("ends a sleep with the reason of its signal", async () => {
    const controller = new AbortController();
    const reason = new Error("given up");
    const sleep = clock.sleep(DAY_MS, controller.signal);
    controller.abort(reason);
    await expect(sleep).rejects.toBe(reason);
    await expect(clock.sleep(DAY_MS, controller.signal)).rejects.toBe(reason);
  });

  it("wakes by itself, also when there is a signal", async () => {
    await expect(clock.sleep(1, new AbortController().signal)).resolves.toBeUndefined();
  });

  it("has a reason also for a signal without an error", async () => {
    await expect(clock.sleep(DAY_MS, AbortSignal.abort("text"))).rejects.toThrow("aborted");
  });
});
