import type { Readable, Writable } from "node:stream";
import type { Clock } from "../system/clock.js";
import { writePatiently } from "./write-patiently.js";

const CARRIAGE_RETURN = 0x0d;
const NEWLINE = 0x0a;

export interface QuietOptions {
  readonly clock: Clock;
  readonly quietMs: number;
  readonly limitMs?: number;
  readonly signal: AbortSignal;
}

/** What a runtime prints, and our own lines between, in one stream of lines. Nothing is kept: a slow reader slows the runtime. */
export class InvocationLog {
  readonly #logs: Writable;
  #atLineStart = true;
  /** How much was written so far, in calls, and how many of them wait for a slow reader. */
  #writes = 0;
  #waiting = 0;

  constructor(logs: Writable) {
    this.#logs = logs;
    // Without a listener a closed reader would end us; `writePatiently` sees by itself that it is closed.
    logs.on("error", IGNORED);
  }

  /** A line of ours; it begins a new one even where the runtime left its last one open. */
  async line(text: string): Promise<void> {
    await this.#write(Buffer.from(`${this.#atLineStart ? "" : "\n"}${text}\n`));
  }

  /** Passes on all of `output`; resolves at its end, or when it is destroyed. */
  async follow(output: Readable): Promise<void> {
    let heldReturn = false;
    try {
      for await (const chunk of output as AsyncIterable<Buffer>) {
        const bytes: Buffer = heldReturn ? Buffer.concat([Buffer.of(CARRIAGE_RETURN), chunk]) : chunk;
        heldReturn = bytes.at(-1) === CARRIAGE_RETURN;
        await this.#write(withNewlines(heldReturn ? bytes.subarray(0, -1) : bytes));
      }
    } catch {
      // Destroyed: some process that outlived the runtime still holds it open.
    }
    if (heldReturn) await this.#write(Buffer.of(NEWLINE));
  }

  /**
   * Resolves when nothing has come for `quietMs`; a runtime that prints without end is waited for `limitMs`. The time that a
   * slow reader takes does not count. Aborted, it resolves as well.
   */
  async quiet({ clock, quietMs, limitMs = Number.POSITIVE_INFINITY, signal }: QuietOptions): Promise<void> {
    for (let waitedMs = 0; waitedMs < limitMs && !signal.aborted; ) {
      const before = this.#writes;
      await clock.sleep(quietMs, signal).catch(() => undefined);
      if (this.#waiting > 0) continue;
      if (this.#writes === before) return;
      waitedMs += quietMs;
    }
  }

  close(): void {
    this.#logs.off("error", IGNORED);
  }

  async #write(bytes: Buffer): Promise<void> {
    if (bytes.length === 0) return;
    this.#atLineStart = bytes.at(-1) === NEWLINE;
    this.#writes++;
    this.#waiting++;
    await writePatiently(this.#logs, bytes);
    this.#waiting--;
  }
}

/**
 * Runtime clients end the lines of one log record with a lone carriage return, which CloudWatch shows as a line's end; a
 * terminal would print the lines over each other.
 */
function withNewlines(bytes: Buffer): Buffer {
  if (!bytes.includes(CARRIAGE_RETURN)) return bytes;
  return Buffer.from(bytes.toString("latin1").replaceAll(/\r(?!\n)/g, "\n"), "latin1");
}

const IGNORED = (): void => undefined;
