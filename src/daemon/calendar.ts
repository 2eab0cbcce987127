import type { createTask, ScheduledTask } from "node-cron";
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
  /**
   * Ends by itself, and soon: a stop waits for it. A failure is logged and not tried again before the next time; `again`: it
   * stays due, as far as `isReady` lets it.
   */
  readonly run: () => Promise<unknown>;
}

export interface CalendarOptions {
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
  readonly jobs: readonly CalendarJob[];
}

interface Planned {
  readonly job: CalendarJob;
  /** Never started: node-cron only reads the calendar. */
  readonly task: ScheduledTask;
  /** Epoch milliseconds. */
  nextAt: number;
  ranAt: number | undefined;
  running: Promise<void> | undefined;
}

/**
 * Runs each job once for each of its times. node-cron says when they are; the sweep asks (`runDue`), and what was missed asleep is
 * made up by one run. node-cron's own timers are not used: they stand still in a suspend, stop after the clock was set back, and
 * spin through the hour that comes twice at the end of summer time.
 */
export class Calendar {
  readonly #options: CalendarOptions;
  /** undefined: not yet; empty behind a stop. */
  #planned: readonly Planned[] | undefined;
  #hasJumped = false;

  constructor(options: CalendarOptions) {
    this.#options = options;
  }

  /**
   * With node-cron's `createTask`, for which no client waits. What came due before, while the clock jumped, is made up for. Throws where
   * it does not understand a job's `cron`.
   */
  start(plan: typeof createTask): void {
    if (this.#planned) return;
    this.#planned = this.#options.jobs.map((job) => {
      const task = plan(job.cron, () => undefined);
      const nextAt = this.#hasJumped ? this.#options.clock.now() : Math.min(job.dueAt ?? Infinity, this.#nextRun(task));
      return { job, task, nextAt, ranAt: undefined, running: undefined };
    });
    if (this.#hasJumped) void this.runDue();
  }

  /** Every sweep: harmless however often. Resolves, always, when what it started has ended. */
  async runDue(): Promise<void> {
    const due = (this.#planned ?? []).filter((planned) => this.#isDue(planned));
    await Promise.all(due.map((planned) => this.#run(planned)));
  }

  /** The wall clock was set, or stood still: the next times may be nearer than they were. */
  onResume(): void {
    this.#hasJumped = true;
    for (const planned of this.#planned ?? []) {
      const { ranAt } = planned;
      const next = this.#nextRun(planned.task);
      const isRepeated = ranAt !== undefined && next <= ranAt && ranAt - this.#options.clock.now() < REPEATED_MS;
      if (!isRepeated) planned.nextAt = Math.min(planned.nextAt, next);
    }
  }

  /** Epoch milliseconds: when the job of this name is due next, or since when; undefined: there is none, or never. */
  nextAt(name: string): number | undefined {
    const nextAt = this.#planned?.find(({ job }) => job.name === name)?.nextAt;
    return nextAt === undefined || Number.isFinite(nextAt) ? nextAt : undefined;
  }

  /** No job begins from here on; resolves when those under way have ended. */
  async stop(): Promise<void> {
    const planned = this.#planned ?? [];
    this.#planned = [];
    for (const { task } of planned) void task.destroy();
    for (const { running } of planned) await running;
  }

  #isDue({ job, nextAt, running }: Planned): boolean {
    return running === undefined && this.#options.clock.now() >= nextAt && (job.isReady?.() ?? true);
  }

  async #run(planned: Planned): Promise<void> {
    const { job, nextAt: dueAt } = planned;
    planned.ranAt = this.#options.clock.now();
    planned.nextAt = this.#nextRun(planned.task);
    planned.running = Promise.resolve()
      .then(job.run)
      .then((end) => {
        if (end === "again") planned.nextAt = Math.min(planned.nextAt, dueAt);
      })
      .catch((error: unknown) => this.#options.logger.error({ job: job.name, err: error }, "calendar job failed"))
      .finally(() => {
        planned.running = undefined;
      });
    await planned.running;
  }

  /** Epoch milliseconds. By its distance from now, because node-cron reads `Date` and we the clock that we were given. */
  #nextRun(task: ScheduledTask): number {
    const [next] = task.getNextRuns(1);
    // eslint-disable-next-line no-restricted-syntax -- what node-cron counted from
    const distance = next ? next.getTime() - Date.now() : Infinity;
    return Math.ceil((this.#options.clock.now() + distance) / SECOND_MS) * SECOND_MS;
  }
}
