import type { createTask } from "node-cron";
import type { AuditEvent } from "../audit/audit-event.js";
import type { AuditRecorder } from "../audit/audit-log.js";
import type { ScheduleViews } from "../control/control-services.js";
import type { ScheduleView } from "../control-api/contract.js";
import { type BrokerError, toBrokerError } from "../core/errors.js";
import { actText, type Schedule, type ScheduledAct, scheduleText } from "../core/schedule.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import { Calendar, type CalendarJob } from "./calendar.js";
import type { ScheduleRun, ScheduleRuns } from "./schedule-runs.js";

/** A machine that wakes has its network in a minute; one without any is asked again every ten. */
const FIRST_RETRY_MS = 60_000;
const LAST_RETRY_MS = 10 * 60_000;

/** How each act is done; rejects with what is wrong and the fix. */
export interface Acts {
  lock(): Promise<void>;
  /** Resolves with what a person should know of it, a sentence each. */
  rotateKey(source: string): Promise<readonly string[]>;
  /** Resolves with what was said, which is on record by then; undefined: nothing. */
  remind(source: string, next: number): Promise<string | undefined>;
}

export interface SchedulesOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly audit: AuditRecorder;
  readonly runs: ScheduleRuns;
  readonly acts: Acts;
  /** Keys and logins can be read: else what needs them stays due. */
  readonly isStoreOpen: () => boolean;
}

/** `error` undefined: the last run did what it was to do. */
type News = Partial<Omit<ScheduleRun, "error">> & { readonly error?: ScheduleRun["error"] | undefined };

/**
 * `schedules:` of the config in force. What was missed, asleep or while brokerd was off, is done once; what cannot be done now
 * (the store is locked, AWS is not reachable) stays due. Each run is on record, a failing one in `status` until one works.
 */
export class Schedules implements ScheduleViews {
  readonly #options: SchedulesOptions;
  #schedules: readonly Schedule[] = [];
  #calendar: Calendar | undefined;
  #plan: typeof createTask | undefined;
  /** Of runs that AWS did not answer: how many in a row, and from when on (epoch ms) another may begin. */
  readonly #retries = new Map<string, { readonly count: number; readonly at: number }>();

  constructor(options: SchedulesOptions) {
    this.#options = options;
  }

  /** Once, before all else: what the brokerd before this one ran, and planned. */
  load(): Promise<void> {
    return this.#options.runs.load();
  }

  /** Why a restart would not know what ran; undefined: it would. */
  get problem(): string | undefined {
    return this.#options.runs.problem;
  }

  /** Those of a config that comes into force, in place of the former ones; what of them is the same goes on. */
  use(schedules: readonly Schedule[]): void {
    if (JSON.stringify(schedules) === JSON.stringify(this.#schedules)) return;
    this.#schedules = schedules;
    if (this.#plan) this.start(this.#plan);
  }

  /** With node-cron's `createTask`, for which no client waits. */
  start(plan: typeof createTask): void {
    void this.#calendar?.stop();
    this.#plan = plan;
    const { clock, logger, runs } = this.#options;
    const calendar = new Calendar({ clock, logger, jobs: this.#schedules.map((schedule) => this.#jobOf(schedule)) });
    calendar.start(plan);
    this.#calendar = calendar;
    void runs.keepOnly(new Set(this.#schedules.map(scheduleText)));
    for (const schedule of this.#schedules) void this.#note(schedule, {});
  }

  /** Every sweep: harmless however often. */
  async runDue(): Promise<void> {
    await this.#calendar?.runDue();
  }

  onResume(): void {
    this.#calendar?.onResume();
  }

  async stop(): Promise<void> {
    await this.#calendar?.stop();
  }

  views(): readonly ScheduleView[] {
    const now = this.#options.clock.now();
    return this.#schedules.map((schedule) => {
      const { ranAt, error } = this.#options.runs.get(scheduleText(schedule)) ?? {};
      const nextAt = this.#nextAt(schedule) ?? null;
      const isDue = nextAt !== null && nextAt <= now;
      const waits = isDue && !this.#hasWhatItNeeds(schedule.act);
      return {
        ...{ cron: schedule.cron, do: actText(schedule.act), nextAt, waitsForUnlock: waits },
        ...{ lastRunAt: ranAt ?? null, lastError: error ?? null },
      };
    });
  }

  #jobOf(schedule: Schedule): CalendarJob {
    const name = scheduleText(schedule);
    const dueAt = this.#options.runs.get(name)?.nextAt;
    return {
      ...{ name, cron: schedule.cron },
      ...(dueAt !== undefined && { dueAt }),
      isReady: () => this.#hasWhatItNeeds(schedule.act) && this.#mayRetry(name),
      run: () => this.#run(schedule),
    };
  }

  #hasWhatItNeeds(act: ScheduledAct): boolean {
    return act.do === "lock" || this.#options.isStoreOpen();
  }

  /** After the clock was set back a retry is not further off than any pause is long. */
  #mayRetry(name: string): boolean {
    const at = this.#retries.get(name)?.at ?? 0;
    const now = this.#options.clock.now();
    return now >= at || at - now > LAST_RETRY_MS;
  }

  /** The next time is durable before anything is done: a crash in the middle of it does it no second time. */
  async #run(schedule: Schedule): Promise<"again" | undefined> {
    const name = scheduleText(schedule);
    const ranAt = this.#options.clock.now();
    await this.#note(schedule, { ranAt });
    try {
      await this.#act(schedule);
      this.#retries.delete(name);
      await this.#note(schedule, { error: undefined });
      return undefined;
    } catch (thrown) {
      return await this.#failed(schedule, ranAt, toBrokerError(thrown));
    }
  }

  async #failed(schedule: Schedule, ranAt: number, error: BrokerError): Promise<"again" | undefined> {
    const { clock, logger } = this.#options;
    const name = scheduleText(schedule);
    const { code, message, hint } = error;
    const isAgain = code === "AwsUnreachable" || code === "StoreLocked";
    logger.warn({ schedule: name, code, reason: message }, "schedule failed");
    this.#record(schedule, { outcome: "failed", code, error });
    const told = { code, message, ...(hint !== undefined && { hint }) };
    await this.#note(schedule, { error: told, ...(isAgain && { nextAt: ranAt }) });
    if (!isAgain) return undefined;
    const times = (this.#retries.get(name)?.count ?? 0) + 1;
    const pause = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(times - 1, 10));
    this.#retries.set(name, { count: times, at: clock.now() + pause });
    return "again";
  }

  /** Done, and on record. */
  async #act(schedule: Schedule): Promise<void> {
    const { acts } = this.#options;
    const { act } = schedule;
    switch (act.do) {
      case "lock":
        await acts.lock();
        this.#record(schedule, { outcome: "done" });
        break;
      case "keys-rotate": {
        const notes = await acts.rotateKey(act.source);
        this.#record(schedule, { outcome: "done" }, notes);
        break;
      }
      case "login-notice": {
        const said = await acts.remind(act.source, this.#nextAt(schedule) ?? Number.POSITIVE_INFINITY);
        // What was said is on record.
        if (said === undefined) this.#record(schedule, { outcome: "done" }, ["nothing to tell"]);
      }
    }
  }

  #record(
    { act, cron }: Schedule,
    outcome: Pick<AuditEvent, "outcome" | "code" | "error">,
    notes: readonly string[] = [],
  ): void {
    const about = { ...outcome, detail: [`by the schedule ${cron}`, ...notes].join("; ") };
    const { audit } = this.#options;
    if (act.do === "lock") return audit.record({ event: "lock", ...about });
    const event = act.do === "keys-rotate" ? "keys-rotated" : "notice";
    audit.record({ event, ...about, source: act.source });
  }

  #nextAt(schedule: Schedule): number | undefined {
    return this.#calendar?.nextAt(scheduleText(schedule));
  }

  async #note(schedule: Schedule, news: News): Promise<void> {
    const name = scheduleText(schedule);
    const { runs } = this.#options;
    const nextAt = this.#nextAt(schedule);
    if (nextAt === undefined) return;
    const { error, ...run } = { ...runs.get(name), nextAt, ...news };
    await runs.put(name, { ...run, ...(error && { error }) });
  }
}
