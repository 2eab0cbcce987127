import { setTimeout as sleep } from "node:timers/promises";
import { PageTab } from "../../test/support/page-client.js";
import { BenchBroker } from "./bench-broker.js";
import { load } from "./load.js";
import type { Figures, Row } from "./measure.js";

const ROLES = 200;
const LEASES = 500;
const EVENTS_A_SECOND = 50;
/** Ten rounds of it are a minute with a page. */
const SAMPLE_MS = 6000;
const QUICK_SAMPLE_MS = 2000;
/** As the page does, see src/page/connection/store.ts. */
const READ_MS = 1000;
const WITHOUT = "without a page";
const WITH = "with one";

/** What a page that is open costs programs: both sides while 50 lines a second go on record. */
export const PAGE_ROW: Row = {
  ...{ id: "page", title: "warm GET beside 500 leases and 50 events a second", rounds: 10, quickRounds: 4 },
  prepare: async ({ quick }) => {
    const bench = await BenchBroker.create(ROLES);
    const [url = ""] = await bench.activate(bench.roles.slice(0, 1));
    for (let index = 0; index < LEASES; index++) {
      await bench.broker.call("lease-create", { name: `job-${index}`, role: bench.roles[index % ROLES] ?? null });
    }
    const events = new Events(bench);
    const milliseconds = quick ? QUICK_SAMPLE_MS : SAMPLE_MS;
    const sample = (): Promise<Figures> => load({ url, connections: 8, milliseconds, pid: bench.pid });
    return {
      sides: [
        { name: WITHOUT, sample },
        { name: WITH, sample: () => besidePage(bench, sample) },
      ],
      targets: [
        { of: WITH, beside: WITHOUT, figure: "p50 ms", atMost: 1.1 },
        { of: WITH, beside: WITHOUT, figure: "requests/s", atLeast: 0.91 },
        { of: WITH, beside: WITHOUT, figure: "p99 ms" },
      ],
      close: async () => {
        await events.stop();
        await bench.close();
      },
    };
  },
};

/** A tab that follows what happens, and reads everything once a second. */
async function besidePage({ broker }: BenchBroker, sample: () => Promise<Figures>): Promise<Figures> {
  const tab = await PageTab.open((await broker.call("ui-open", { findings: [] })).url);
  const closing = new AbortController();
  const { signal } = closing;
  const followed = tab.follow(() => signal.aborted);
  const reading = readUntil(signal, tab);
  const figures = await sample();
  closing.abort();
  await Promise.all([followed, reading]);
  return figures;
}

async function readUntil(closed: AbortSignal, tab: PageTab): Promise<void> {
  while (!closed.aborted) {
    await Promise.all([tab.call("status", {}), tab.call("request-list", {}), tab.call("page-holders", {})]);
    tab.received = "";
    await sleep(READ_MS);
  }
}

/** Each a line on record of its own. */
class Events {
  readonly #bench: BenchBroker;
  readonly #running: Promise<void>;
  #isOver = false;

  constructor(bench: BenchBroker) {
    this.#bench = bench;
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    const begin = performance.now();
    for (let sent = 0; !this.#isOver; sent++) {
      const due = begin + (sent * 1000) / EVENTS_A_SECOND;
      await sleep(Math.max(0, due - performance.now()));
      await this.#bench.broker.call("lease-access", { lease: { by: "name", name: `job-${sent % LEASES}` } });
    }
  }
}
