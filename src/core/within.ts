/** What is needed of a clock. */
interface Timer {
  after(delayMs: number, callback: () => void): () => void;
}

/**
 * The promise's outcome if it comes within `limitMs` and before `signal` aborts, else what `late` throws. The promise
 * itself goes on: a caller that gives up cancels nothing.
 */
export function within<T>(
  promise: Promise<T>,
  {
    clock,
    limitMs,
    signal,
    late,
  }: { readonly clock: Timer; readonly limitMs: number; readonly signal?: AbortSignal; readonly late: () => Error },
): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      finish();
      reject(late());
    };
    const cancel = clock.after(limitMs, giveUp);
    const finish = (): void => {
      cancel();
      signal?.removeEventListener("abort", giveUp);
    };
    signal?.addEventListener("abort", giveUp, { once: true });
    promise.then(resolve, reject).finally(finish);
    if (signal?.aborted) giveUp();
  });
}
