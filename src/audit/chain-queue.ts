import { type AuditFacts, gapFacts } from "../core/audit-line.js";
import { reasonOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { Mutex } from "../core/serial.js";
import type { Cancel, Clock } from "../system/clock.js";
import type { ChainFile } from "./chain-file.js";

export interface ChainQueueOptions {
  readonly file: ChainFile;
  readonly clock: Clock;
  /** Lines are durable that were not before: as they stand in the file. */
  readonly onWritten: (lines: readonly string[]) => void;
  /** Kept while the disk takes none: some hundred bytes each. */
  readonly maxWaiting: number;
}

/** In one write. */
const BATCH = 500;
/** Disk full, read-only, out of descriptors: tried again. */
const RETRY_MS = 5000;

/**
 * Lines on their way to a chain: the caller that appends one never waits, and a disk that takes none costs bounded memory only. What
 * had no place there is counted, and told in the chain once the disk takes lines again.
 */
export class ChainQueue {
  readonly #options: ChainQueueOptions;
  readonly #waiting: AuditFacts[] = [];
  readonly #turns = new Mutex();
  #dropped = 0;
  #writing: Promise<void> | undefined;
  #cancelRetry: Cancel | undefined;
  #problem: string | undefined;

  constructor(options: ChainQueueOptions) {
    this.#options = options;
  }

  /** Why lines are in memory only, for `status`; undefined: the disk takes them. */
  get problem(): string | undefined {
    return this.#problem;
  }

  append(facts: AuditFacts): void {
    // The earlier lines are kept: they tell how it began.
    if (this.#waiting.length < this.#options.maxWaiting) this.#waiting.push(facts);
    else this.#dropped++;
    if (this.#cancelRetry === undefined) void this.flush();
  }

  /** Tries to write what waits, now; resolves when that is done or has failed. Never rejects. */
  flush(): Promise<void> {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    if (this.#waiting.length > 0) this.#writing ??= this.#writeAll();
    return this.#writing ?? Promise.resolve();
  }

  /** Runs `task` while nothing is written; lines wait meanwhile. */
  whilePaused<T>(task: () => Promise<T>): Promise<T> {
    return this.#turns.run(task);
  }

  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0 && (await this.#writeSome()));
    this.#writing = undefined;
  }

  async #writeSome(): Promise<boolean> {
    const { file, clock, onWritten } = this.#options;
    const lines = this.#waiting.slice(0, BATCH);
    let written: readonly string[];
    try {
      written = await this.#turns.run(() => file.append(lines));
    } catch (error) {
      this.#problem = error instanceof BrokerError ? error.message : reasonOf(error);
      this.#cancelRetry ??= clock.after(RETRY_MS, () => void this.flush());
      return false;
    }
    this.#problem = undefined;
    this.#waiting.splice(0, lines.length);
    if (this.#dropped > 0) this.#waiting.push(this.#toldDropped());
    onWritten(written);
    return true;
  }

  #toldDropped(): AuditFacts {
    const count = this.#dropped;
    this.#dropped = 0;
    const detail = "the disk took no lines, and memory has no place for more";
    return gapFacts({ code: "LinesDropped", detail, count, now: this.#options.clock.now() });
  }
}
