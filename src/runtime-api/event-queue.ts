import { reasonOf } from "../core/errno.js";
import type { Clock } from "../system/clock.js";
import { nowhere } from "./collected-stream.js";
import type { ServedFunction } from "./served-function.js";

/**
 * Lambda tries an asynchronous event that failed again after one minute and after two; a person at a terminal is served better
 * by seconds. An event that is throttled waits, as there: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
 */
const RETRY_AFTER_MS = [1_000, 2_000];
const THROTTLED_MS = 500;

export interface QueuedEvent {
  readonly event: Buffer;
  readonly clientContext: string | undefined;
}

/** Asynchronous invocations: answered at once, run when a runtime is free, tried again after a failure of the function. */
export class EventQueue {
  readonly #clock: Clock;
  readonly #over = new AbortController();
  readonly #told: (line: string) => void;

  constructor({ clock, told }: { readonly clock: Clock; readonly told: (line: string) => void }) {
    this.#clock = clock;
    this.#told = told;
  }

  add(served: ServedFunction, queued: QueuedEvent): void {
    void this.#run(served, queued).catch((error: unknown) => {
      if (this.#over.signal.aborted) return;
      this.#told(`${served.context.functionName}: an asynchronous event is let go: ${reasonOf(error)}`);
    });
  }

  /** What waits is let go. */
  close(): void {
    this.#over.abort(new Error("the queue is closed"));
  }

  async #run(served: ServedFunction, queued: QueuedEvent): Promise<void> {
    for (const [attempt, waitMs] of [...RETRY_AFTER_MS, undefined].entries()) {
      const failure = await this.#try(served, queued);
      if (failure === undefined) return;
      const { functionName } = served.context;
      if (waitMs === undefined) {
        this.#told(`${functionName}: an asynchronous event failed ${attempt + 1} times and is let go: ${failure}`);
        return;
      }
      this.#told(`${functionName}: an asynchronous event failed (${failure}), again in ${waitMs / 1000} s`);
      await this.#clock.sleep(waitMs, this.#over.signal);
    }
  }

  /** Why it failed. */
  async #try({ pool, timeoutMs }: ServedFunction, queued: QueuedEvent): Promise<string | undefined> {
    for (;;) {
      this.#over.signal.throwIfAborted();
      const outcome = await pool.invoke({ ...queued, timeoutMs, streamTo: nowhere() });
      if (outcome) return outcome.error && `${outcome.error.errorType}: ${outcome.error.errorMessage}`;
      await this.#clock.sleep(THROTTLED_MS, this.#over.signal);
    }
  }
}
