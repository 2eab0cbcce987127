import type { Cancel, Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";

/** Everything is re-planned this often on the wall clock, whatever the timers did. */
const SWEEP_MS = 15_000;
/** How often the clock itself is looked at: timers stand still in a suspend, and continue after it. */
const LOOK_MS = 5000;
/** A look that is this much earlier or later than planned means a suspend or a set clock, not a busy machine. */
const JUMP_MS = 30_000;

export interface SweepOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Every 15 s, and at once after a jump; a failing one is logged, the next one comes. */
  readonly sweep: () => Promise<void>;
  /** The wall clock jumped (suspend, NTP) by `jumpedMs` more than the time that passed. A sweep follows. */
  readonly onResume: (jumpedMs: number) => void;
}

/** The daemon's periodic work, and the check whether the machine slept. */
export class Sweeper {
  readonly #options: SweepOptions;
  #cancel: Cancel | undefined;
  #lastLook = 0;
  #lastSweep = 0;
  #sweeping: Promise<void> | undefined;

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  start(): void {
    this.#lastLook = this.#lastSweep = this.#now();
    this.#plan();
  }

  /** Looks whether the machine slept, or its clock was set, since the last look. Costs nothing: the endpoint looks before a client's credentials are asked for. */
  readonly noticeResume = (): void => {
    if (!this.#cancel) return;
    const jumpedMs = this.#now() - this.#lastLook - LOOK_MS;
    if (Math.abs(jumpedMs) <= JUMP_MS) return;
    this.#lastLook = this.#now();
    this.#options.logger.info({ jumpedMs }, "wall clock jumped");
    this.#options.onResume(jumpedMs);
    this.#sweep();
  };

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #plan(): void {
    this.#cancel = this.#options.clock.after(LOOK_MS, () => this.#tick());
  }

  #tick(): void {
    this.noticeResume();
    this.#lastLook = this.#now();
    if (!this.#sweeping && Math.abs(this.#now() - this.#lastSweep) >= SWEEP_MS) this.#sweep();
    this.#plan();
  }

  /** One after the other: a jump in the middle of a sweep gets one of its own. */
  #sweep(): void {
    const { sweep, logger } = this.#options;
    this.#lastSweep = this.#now();
    const sweeping = (this.#sweeping ?? Promise.resolve())
      .then(sweep)
      .catch((error: unknown) => logger.error({ err: error }, "sweep failed"));
    this.#sweeping = sweeping;
    void sweeping.finally(() => {
      if (this.#sweeping === sweeping) this.#sweeping = undefined;
    });
  }

  #now(): number {
    return this.#options.clock.now();
  }
}
