/** Cancels a timer that has not fired yet; harmless afterwards. */
export type Cancel = () => void;

/** The only source of the time: tests pass a clock that they move by hand. */
export interface Clock {
  /** Wall clock, epoch milliseconds. */
  now(): number;
  /** Runs `callback` once after `delayMs`; the timer never keeps the process alive. */
  after(delayMs: number, callback: () => void): Cancel;
  /** Resolves after `delayMs`, or rejects with the signal's reason when aborted. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** setTimeout fires at once beyond 2^31-1 ms; a sweep re-plans everything long before. */
const MAX_TIMER_MS = 12 * 60 * 60_000;

export class SystemClock implements Clock {
  now(): number {
    return Date.now();
  }

  after(delayMs: number, callback: () => void): Cancel {
    const timer = setTimeout(callback, Math.min(Math.max(0, delayMs), MAX_TIMER_MS));
    timer.unref();
    return () => clearTimeout(timer);
  }

  sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const reasonOf = (): Error => (signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
      if (signal?.aborted) return reject(reasonOf());
      const onAbort = (): void => {
        clearTimeout(timer);
        reject(reasonOf());
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, delayMs);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }
}
