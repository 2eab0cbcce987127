import type { StatusView } from "../../control-api/contract.js";
import type { RequestView } from "../../control-api/guard-contract.js";
import type { PageEvent, PageResponse } from "../../control-api/page-contract.js";
import type { AuditLine } from "../../core/audit-line.js";
import type { Holder } from "../../core/audit-views.js";
import { now } from "../now.js";
import { History } from "../timeline/history.js";
import { isOver, type PageClient, PageError } from "./client.js";
import { KEPT_LINES, mergeLines } from "./record-lines.js";

type Client = Pick<PageClient, "call" | "events">;

export interface PageState {
  /** open: its stream is; lost: brokerd is asked again and again; over: this page has no way back. */
  readonly link: "opening" | "open" | "lost" | "over";
  readonly status: StatusView | null;
  readonly requests: readonly RequestView[];
  readonly holders: readonly Holder[];
  /** The oldest first. */
  readonly lines: readonly AuditLine[];
  readonly findings: PageResponse<"page-findings"> | null;
  /** Why it is not open; null: it is, or no one knows. */
  readonly problem: PageError | null;
}

/** What is told within it is shown at once. */
const DRAW_MS = 500;
/**
 * From one reading of everything to the next, unless a person waits for it. Of hundreds of leases a reading is half a megabyte: it takes
 * a twentieth of the time at most.
 */
const READ_MS = { least: 2000, most: 5000, timesTaken: 20 };
const RETRIES_MS = [500, 1000, 2000, 5000, 15_000];

/** All that the page shows, as brokerd tells it: read again after each change, however many there are in a second. */
export class PageStore {
  readonly history = new History();
  readonly #client: Client;
  readonly #listeners = new Set<() => void>();
  #state: PageState = {
    ...{ link: "opening", status: null, requests: [], holders: [], lines: [], findings: null, problem: null },
  };
  #fresh: AuditLine[] = [];
  #drawing = false;
  #reading: Promise<void> | undefined;
  #isStale = false;
  /** Someone waits for what is read next. */
  #isUrgent = false;
  #rest: Promise<void> = Promise.resolve();
  #endRest = (): void => undefined;

  constructor(client: Client) {
    this.#client = client;
  }

  get state(): PageState {
    return this.#state;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Follows brokerd for as long as the page is one of its pages. */
  async follow(): Promise<void> {
    for (let failures = 0; ; failures++) {
      const why = await this.#followOnce().catch((error: unknown) => error);
      if (isOver(why)) {
        this.#set({ link: "over", problem: why as PageError });
        return;
      }
      if (why === "again") failures = -1;
      else this.#set({ link: "lost", problem: why instanceof PageError ? why : null });
      await pause(RETRIES_MS[Math.max(0, failures)] ?? RETRIES_MS.at(-1) ?? 0);
    }
  }

  /** Everything is read again, at once; resolves once it was. */
  async reload(): Promise<void> {
    this.#isUrgent = true;
    this.#endRest();
    return this.#readSoon();
  }

  async #readSoon(): Promise<void> {
    this.#isStale = true;
    this.#reading ??= this.#readWhileStale().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  /** again: the stream broke off; stop: brokerd ends, or starts anew. */
  async #followOnce(): Promise<"again" | "stop"> {
    let why: "again" | "stop" = "again";
    const over = new AbortController();
    const stream = this.#client.events((event) => {
      if (this.#state.link !== "open") this.#set({ link: "open", problem: null });
      if (event.type === "end") why = "stop";
      else this.#take(event);
    }, over.signal);
    stream.catch(() => undefined);
    try {
      await Promise.race([this.#readAll(), stream]);
      await stream;
      return why;
    } finally {
      // Where a reading failed: each that stays open would be one of the browser's few connections.
      over.abort();
    }
  }

  #take(event: Exclude<PageEvent, { readonly type: "end" }>): void {
    if (event.type === "changed") void this.#readSoon().catch(() => undefined);
    if (event.type !== "audit") return;
    this.#fresh.push(...event.lines.slice(-KEPT_LINES));
    this.#fresh = this.#fresh.slice(-KEPT_LINES);
    this.#drawSoon();
  }

  #drawSoon(): void {
    if (this.#drawing) return;
    this.#drawing = true;
    setTimeout(() => {
      this.#drawing = false;
      this.#addLines(this.#fresh.splice(0));
    }, DRAW_MS);
  }

  #addLines(fresh: readonly AuditLine[]): void {
    this.history.add(fresh);
    this.#set({ lines: mergeLines(this.#state.lines, fresh) });
  }

  /** What changes seldom, once a connection; then what changes. */
  async #readAll(): Promise<void> {
    await Promise.all([
      this.#client.call("page-audit", { limit: KEPT_LINES }).then(({ lines }) => this.#addLines(lines)),
      this.#client.call("page-findings", {}).then((findings) => this.#set({ findings })),
      this.reload(),
    ]);
  }

  /** What comes while it reads, or rests, is read together. */
  async #readWhileStale(): Promise<void> {
    while (this.#isStale) {
      if (!this.#isUrgent) await this.#rest;
      this.#isStale = this.#isUrgent = false;
      const begin = now();
      const [status, { requests }, { holders }] = await Promise.all([
        this.#client.call("status", {}),
        this.#client.call("request-list", {}),
        this.#client.call("page-holders", {}),
      ]);
      this.#set({ status, requests, holders });
      this.#takeRest(Math.min(READ_MS.most, Math.max(READ_MS.least, (now() - begin) * READ_MS.timesTaken)));
    }
  }

  #takeRest(milliseconds: number): void {
    this.#rest = new Promise((resolve) => {
      this.#endRest = resolve;
      setTimeout(resolve, milliseconds);
    });
  }

  #set(change: Partial<PageState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
