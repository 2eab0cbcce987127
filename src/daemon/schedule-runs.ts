import { type BrokerErrorCode, toBrokerError } from "../core/errors.js";
import { count, fieldsOf, listOf, optional, required, text, versionedJson } from "../core/json-fields.js";
import { Mutex } from "../core/serial.js";
import { StateFile, type WriteAtomic } from "../files/state-file.js";

/** What came of the last run of a schedule, and when the next one is due. */
export interface ScheduleRun {
  /** Epoch milliseconds: the next brokerd makes it up where this one does not run then. */
  readonly nextAt: number;
  /** Epoch milliseconds. */
  readonly ranAt?: number;
  /** Of the last run, if it failed. */
  readonly error?: { readonly code: BrokerErrorCode; readonly message: string; readonly hint?: string };
}

const VERSION = 1;

/** `schedules.json`: the runs of the config's schedules, by what they are called there. Losing it costs what was missed while brokerd was off. */
export class ScheduleRuns {
  readonly #file: StateFile;
  readonly #writes = new Mutex();
  #runs: ReadonlyMap<string, ScheduleRun> = new Map();
  #isRead = false;
  #problem: string | undefined;

  constructor({ path, writeAtomic }: { readonly path: string; readonly writeAtomic: WriteAtomic }) {
    this.#file = new StateFile({ path, writeAtomic, what: "runs of schedules" });
  }

  /** Once, before all else. What cannot be read is left as it is, and nothing is kept: `problem` says so. */
  async load(): Promise<void> {
    try {
      this.#runs = (await this.#file.read(parseRuns)) ?? new Map();
      this.#isRead = true;
    } catch (error) {
      this.#problem = toBrokerError(error).message;
    }
  }

  /** Why the runs are not durable; undefined: they are. */
  get problem(): string | undefined {
    return this.#problem;
  }

  get(schedule: string): ScheduleRun | undefined {
    return this.#runs.get(schedule);
  }

  /** In force at once, and durable when it resolves, as far as the disk takes it. */
  async put(schedule: string, run: ScheduleRun): Promise<void> {
    if (JSON.stringify(this.#runs.get(schedule)) === JSON.stringify(run)) return;
    await this.#change(new Map(this.#runs).set(schedule, run));
  }

  /** What the config has no more is forgotten. */
  async keepOnly(schedules: ReadonlySet<string>): Promise<void> {
    const kept = [...this.#runs].filter(([name]) => schedules.has(name));
    if (kept.length < this.#runs.size) await this.#change(new Map(kept));
  }

  async #change(runs: ReadonlyMap<string, ScheduleRun>): Promise<void> {
    this.#runs = runs;
    if (!this.#isRead) return;
    this.#problem = await this.#writes.run(async () => {
      // By then there may be more.
      const written = this.#file.write(renderRuns(this.#runs));
      return written.then(
        () => undefined,
        (error: unknown) => toBrokerError(error).message,
      );
    });
  }
}

function renderRuns(runs: ReadonlyMap<string, ScheduleRun>): string {
  const schedules = [...runs].map(([schedule, run]) => ({ schedule, ...run }));
  return `${JSON.stringify({ version: VERSION, schedules }, null, 2)}\n`;
}

function parseRuns(json: string): ReadonlyMap<string, ScheduleRun> {
  const root = fieldsOf(versionedJson(json, VERSION), "the file", ["version", "schedules"]);
  return new Map(listOf(root, "schedules", parseRun));
}

function parseRun(value: unknown, at: string): readonly [string, ScheduleRun] {
  const fields = fieldsOf(value, at, ["schedule", "nextAt", "ranAt", "error"]);
  const run = {
    nextAt: required(fields, "nextAt", count),
    ...optional(fields, "ranAt", count),
    ...(fields.values.has("error") && { error: parseError(fields.values.get("error"), `${at}.error`) }),
  };
  return [required(fields, "schedule", text), run];
}

function parseError(value: unknown, at: string): NonNullable<ScheduleRun["error"]> {
  const fields = fieldsOf(value, at, ["code", "message", "hint"]);
  // A code of another version is shown as it is.
  const code = required(fields, "code", text) as BrokerErrorCode;
  return { code, message: required(fields, "message", text), ...optional(fields, "hint", text) };
}
