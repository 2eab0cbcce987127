import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { PageEvent } from "../../src/control-api/page-contract.js";
import { type PageClient, PageError } from "../../src/page/connection/client.js";
import { PageStore } from "../../src/page/connection/store.js";

const ANSWERS: Readonly<Record<string, unknown>> = {
  status: { roles: [], leases: [] },
  "request-list": { requests: [] },
  "page-holders": { holders: [] },
  "page-audit": { lines: [] },
  "page-findings": { at: 0, findings: [] },
};

/** brokerd, as a page knows it. */
class FakeBrokerd implements Pick<PageClient, "call" | "events"> {
  /** Of each stream that was opened, whether it is open. */
  readonly streams: { isOpen: boolean; tell: (event: PageEvent) => void }[] = [];
  failing: string | undefined;
  readings = 0;
  refusing: PageError | undefined;

  readonly call = (async (operation: string) => {
    if (operation === "status") this.readings++;
    if (operation === this.failing) throw new PageError({ code: "InternalError", message: "it broke" });
    return ANSWERS[operation];
  }) as PageClient["call"];

  async events(tell: (event: PageEvent) => void, signal: AbortSignal): Promise<void> {
    if (this.refusing) throw this.refusing;
    const stream = { isOpen: true, tell };
    this.streams.push(stream);
    tell({ type: "changed" });
    await new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => {
        stream.isOpen = false;
        reject(new Error("aborted"));
      });
    });
  }
}

let brokerd: FakeBrokerd;
let store: PageStore;

beforeEach(() => {
  vi.useFakeTimers();
  brokerd = new FakeBrokerd();
  store = new PageStore(brokerd);
});
afterEach(() => void vi.useRealTimers());

describe("a page and its stream", () => {
  it("is open once its stream is, and has what brokerd tells", async () => {
    void store.follow();
    await vi.advanceTimersByTimeAsync(100);
    expect(store.state).toMatchObject({ link: "open", problem: null, status: { roles: [] } });
  });

  it("has one stream, however often a reading fails: those before are ended", async () => {
    brokerd.failing = "page-audit";
    void store.follow();
    await vi.advanceTimersByTimeAsync(20_000);
    expect(brokerd.streams.length).toBeGreaterThan(3);
    expect(brokerd.streams.filter(({ isOpen }) => isOpen).length).toBeLessThanOrEqual(1);
    expect(store.state).toMatchObject({ link: "lost", problem: { message: "it broke" } });

    brokerd.failing = undefined;
    await vi.advanceTimersByTimeAsync(20_000);
    expect(store.state).toMatchObject({ link: "open", problem: null });
  });

  it("reads everything at once, then every two seconds while it is told of changes, and at once for a person", async () => {
    void store.follow();
    await vi.advanceTimersByTimeAsync(100);
    const first = brokerd.readings;
    for (let told = 0; told < 20; told++) {
      await vi.advanceTimersByTimeAsync(500);
      brokerd.streams[0]?.tell({ type: "changed" });
    }
    expect(brokerd.readings - first).toBeGreaterThanOrEqual(4);
    expect(brokerd.readings - first).toBeLessThanOrEqual(5);

    await vi.advanceTimersByTimeAsync(5000);
    brokerd.streams[0]?.tell({ type: "changed" });
    await vi.advanceTimersByTimeAsync(0);
    const before = brokerd.readings;
    await store.reload();
    await store.reload();
    expect(brokerd.readings - before).toBe(2);
  });

  it("is not open for what could be read, where it gets no stream, and says why not", async () => {
    brokerd.refusing = new PageError({ code: "Conflict", message: "too many pages are open: 4 at most" });
    void store.follow();
    await vi.advanceTimersByTimeAsync(100);
    expect(store.state).toMatchObject({ link: "lost", problem: { code: "Conflict" } });

    brokerd.refusing = new PageError({ code: "RequestRefused", message: "it was another's" });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(store.state.link).toBe("over");
  });
});
