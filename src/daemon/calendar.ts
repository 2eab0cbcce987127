import { type ScheduledTask, schedule } from "node-cron";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";

/** As cron(8): a clock that was set back by less than this reaches the same times again, and they are not run twice. */
const REPEATED_MS = 3 * 60 * 60_000;
/** node-cron plans whole seconds. */
const SECOND_MS = 1000;

/** Work for a time of the day or the month. */
export interface CalendarJob {
  /** For the log. */
  readonly name: string;
  /** Cron's five fields, in the machine's time zone. A local time that summer time skips is not run that day. */
  readonly cron: string;
  /** Epoch milliseconds: due from then on, whatever `cron` says. At once after a start, or as an earlier process had planned it. */
  readonly dueAt?: number;
  /** While it says no (the secret store is locked) the job stays due. */
  readonly isReady?: () => boolean;
  /** Ends by itself, and soon: a stop waits for it. A failure is logged and not tried again before the next time. */
  readonly run: () => Promise<void>;
}

export interface CalendarOptions {
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
  readonly jobs: readonly CalendarJob[];
}

interface Planned {
  readonly job: CalendarJob;
  task: ScheduledTask;
  /** Epoch milliseconds. */
  nextAt: number;
  ranAt: number | undefined;
  running: Promise<void> | undefined;
}

/**
 * Runs each job once for each of its times. node-cron says when they are and ticks; the sweep stands behind every tick
 * (`runDue`), because node-cron's timers stand still in a suspend and after the clock was set back. Times that were
 * missed asleep are made up by one run.
 */
export class Calendar {
  readonly #options: CalendarOptions;
  #planned: readonly Planned[] = [];

  constructor(options: CalendarOptions) {
    this.#options = options;
  }

  /** Throws where node-cron does not understand a job's `cron`. */
  start(): void {
    this.#planned = this.#options.jobs.map((job) => {
      const task = this.#schedule(job);
      const nextAt = Math.min(job.dueAt ?? Infinity, this.#nextRun(task));
      return { job, task, nextAt, ranAt: undefined, running: undefined };
    });
  }

  /** The tick and every sweep: harmless however often. Resolves, always, when what it started has ended. */
  async runDue(): Promise<void> {
    const due = this.#planned.filter((planned) => this.#isDue(planned));
    await Promise.all(due.map((planned) => this.#run(planned)));
  }

  /** The wall clock was set, or stood still: node-cron's timers were planned for the other time. */
  onResume(): void {
    for (const planned of this.#planned) this.#planAgain(planned);
  }

  /** No job begins from here on; resolves when those under way have ended. */
  async stop(): Promise<void> {
    const planned = this.#planned;
    this.#planned = [];
    for (const { task } of planned) void task.destroy();
    for (const { running } of planned) await running;
  }

  #isDue({ job, nextAt, running }: Planned): boolean {
    return running === undefined && this.#options.clock.now() >= nextAt && (job.isReady?.() ?? true);
  }

  async #run(planned: Planned): Promise<void> {
    const { job } = planned;
    planned.ranAt = this.#options.clock.now();
    planned.nextAt = this.#nextRun(planned.task);
    planned.running = Promise.resolve()
      .then(job.run)
      .catch((error: unknown) => this.#options.logger.error({ job: job.name, err: error }, "calendar job failed"))
      .finally(() => {
        planned.running = undefined;
      });
    await planned.running;
  }

  #planAgain(planned: Planned): void {
    void planned.task.destroy();
    planned.task = this.#schedule(planned.job);
    const { ranAt } = planned;
    const next = this.#nextRun(planned.task);
    const isRepeated = ranAt !== undefined && next <= ranAt && ranAt - this.#options.clock.now() < REPEATED_MS;
    if (!isRepeated) planned.nextAt = Math.min(planned.nextAt, next);
  }

  #schedule({ name, cron }: CalendarJob): ScheduledTask {
    const { logger } = this.#options;
    const said = (message: string | Error): void => logger.debug({ job: name, reason: String(message) }, "node-cron");
    return schedule(cron, () => this.runDue(), {
      unref: true,
      // What a suspend or a busy machine missed is made up by the sweep: one line each would flood the log.
      suppressMissedWarning: true,
      logger: { debug: said, info: said, warn: said, error: said },
    });
  }

  /** Epoch milliseconds. By its distance from now, because node-cron reads `Date` and we the clock that we were given. */
  #nextRun(task: ScheduledTask): number {
    const now = this.#options.clock.now();
    return Math.ceil((now + (task.msToNext() ?? Infinity)) / SECOND_MS) * SECOND_MS;
  }
}
