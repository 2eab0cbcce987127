import type { ServerResponse } from "node:http";
import type { PageEvent } from "../control-api/page-contract.js";
import type { Cancel, Clock } from "../system/clock.js";
import type { PageSession } from "./page-sessions.js";

/** Between two writes: what happens meanwhile is told together. */
const FLUSH_MS = 500;
const PING_MS = 15_000;
/** Of lines on record between two writes; the newest are told, the rest is in the log. */
const MOST_LINES = 500;
/** What a reader may have unread; then its stream breaks off, and it opens another one. */
const MOST_UNREAD = 1024 * 1024;
/** A tab has one. A browser has six connections to a server, for all tabs: two are left for what they ask. */
export const MOST_STREAMS = 4;

/** What is told to the pages that are open, as lines of JSON; costs nothing while there is none. */
export class EventStreams {
  readonly #clock: Clock;
  readonly #onClosed: () => void;
  readonly #open = new Map<ServerResponse, PageSession>();
  #lines: string[] = [];
  #isChanged = false;
  #flushedAt = Number.NEGATIVE_INFINITY;
  #cancelFlush: Cancel | undefined;
  #cancelPing: Cancel | undefined;

  /** `onClosed`: a page has gone. */
  constructor(clock: Clock, onClosed: () => void) {
    this.#clock = clock;
    this.#onClosed = onClosed;
  }

  get isFull(): boolean {
    return this.#open.size >= MOST_STREAMS;
  }

  /** Takes an answer whose head is to be written yet. */
  add(response: ServerResponse, session: PageSession): void {
    session.streams++;
    this.#open.set(response, session);
    response.once("close", () => this.#closed(response, session));
    // A write to a page that has just gone.
    response.on("error", () => undefined);
    response.writeHead(200, { "Content-Type": "application/x-ndjson" });
    write(response, { type: "changed" });
    this.#planPing();
  }

  changed(): void {
    if (this.#open.size === 0) return;
    this.#isChanged = true;
    this.#planFlush();
  }

  /** Each is the JSON of a line on record. */
  audit(lines: readonly string[]): void {
    if (this.#open.size === 0) return;
    this.#lines = [...this.#lines, ...lines].slice(-MOST_LINES);
    this.#isChanged = true;
    this.#planFlush();
  }

  /** Ends all of them. */
  end(): void {
    this.#cancelFlush?.();
    this.#cancelPing?.();
    this.#cancelFlush = this.#cancelPing = undefined;
    for (const response of this.#open.keys()) response.end(lineOf({ type: "end" }));
  }

  #closed(response: ServerResponse, session: PageSession): void {
    this.#open.delete(response);
    session.streams--;
    session.idleSince = this.#clock.now();
    this.#onClosed();
  }

  #planFlush(): void {
    const since = this.#clock.now() - this.#flushedAt;
    const wait = since >= 0 && since < FLUSH_MS ? FLUSH_MS - since : 0;
    this.#cancelFlush ??= this.#clock.after(wait, () => this.#flush());
  }

  #flush(): void {
    this.#cancelFlush = undefined;
    this.#flushedAt = this.#clock.now();
    // The lines are JSON already: one that is written again would cost as much as it took to put it on record.
    const audit = this.#lines.length === 0 ? "" : `{"type":"audit","lines":[${this.#lines.join(",")}]}\n`;
    const text = audit + (this.#isChanged ? lineOf({ type: "changed" }) : "");
    this.#lines = [];
    this.#isChanged = false;
    for (const response of this.#open.keys()) {
      if (response.writableLength > MOST_UNREAD) response.destroy();
      else response.write(text);
    }
  }

  #planPing(): void {
    this.#cancelPing ??= this.#clock.after(PING_MS, () => {
      this.#cancelPing = undefined;
      for (const response of this.#open.keys()) write(response, { type: "ping" });
      if (this.#open.size > 0) this.#planPing();
    });
  }
}

function lineOf(event: PageEvent): string {
  return `${JSON.stringify(event)}\n`;
}

function write(response: ServerResponse, event: PageEvent): void {
  response.write(lineOf(event));
}
