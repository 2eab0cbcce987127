import type { HeldCredentials } from "../core/credentials.js";
import { BrokerError, isRecoverable, toBrokerError } from "../core/errors.js";
import { type Failure, mayRetry } from "../core/retry-schedule.js";
import type { Clock } from "../system/clock.js";

/** After a resume the network takes seconds to come back; an SDK that gets an error does not ask again for minutes. */
const PATIENCE_MS = 30_000;

export interface ResumePatienceOptions {
  readonly clock: Clock;
  /** The one upstream call, which all callers share. */
  readonly fetch: () => Promise<HeldCredentials>;
  readonly isFetching: () => boolean;
  readonly failure: () => Failure | undefined;
}

/** For 30 s after a resume a failure that can recover is tried again instead of being answered. */
export class ResumePatience {
  readonly #options: ResumePatienceOptions;
  #since: number | undefined;
  #tries: Promise<HeldCredentials> | undefined;

  constructor(options: ResumePatienceOptions) {
    this.#options = options;
  }

  begin(): void {
    this.#since = this.#options.clock.now();
  }

  get isOn(): boolean {
    if (this.#since === undefined) return false;
    const passed = this.#options.clock.now() - this.#since;
    return passed >= 0 && passed < PATIENCE_MS;
  }

  /** Tries until one works, one fails for good, or the 30 s end; all callers share the tries. */
  untilFetched(): Promise<HeldCredentials> {
    this.#tries ??= this.#tryOn().finally(() => (this.#tries = undefined));
    return this.#tries;
  }

  async #tryOn(): Promise<HeldCredentials> {
    for (;;) {
      await this.#pause();
      const fetched = await this.#options.fetch().catch(toBrokerError);
      if (!(fetched instanceof BrokerError)) return fetched;
      if (!this.isOn || !isRecoverable(fetched)) throw fetched;
    }
  }

  async #pause(): Promise<void> {
    const { clock, failure, isFetching } = this.#options;
    const last = failure();
    if (!last || isFetching() || mayRetry(last, clock.now())) return;
    if (!isRecoverable(last.error)) throw last.error;
    await clock.sleep(last.retryAt - clock.now());
  }
}
