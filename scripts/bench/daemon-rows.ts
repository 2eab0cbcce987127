import { spawn } from "node:child_process";
import { once } from "node:events";
import { ranMs } from "../../test/support/load.js";
import { BenchBroker, nodeIn, programOf, rawGet, residentMb, timed } from "./bench-broker.js";
import { BareServer } from "./load.js";
import type { Row } from "./measure.js";

const IDLE_MS = 60_000;
const QUICK_IDLE_MS = 16_000;
/** After which brokerd has kept its compiled code for the next start. */
const KEPT_CODE_MS = 8000;
const LOOK_MS = 1;
const START_LIMIT_MS = 60_000;

/** What brokerd itself costs: its start, its memory, and while nothing happens. */
export const DAEMON_ROWS: readonly Row[] = [
  startRow(1, 4),
  startRow(1000, 6),
  memoryRow(1, 1.5),
  memoryRow(100, 1.6),
  memoryRow(1000, 2),
  idleRow(),
];

function startRow(roles: number, atMost: number): Row {
  return {
    ...{ id: `start-${roles}`, title: `brokerd start to its first 200, ${countOf(roles)}`, rounds: 9 },
    prepare: async () => {
      const bench = await BenchBroker.create(roles);
      const [url = ""] = await bench.activate();
      await new Promise((resolve) => setTimeout(resolve, KEPT_CODE_MS));
      await bench.broker.stop(); // the sessions are saved, and restored by each start
      return {
        sides: [
          { name: "ours", sample: async () => ({ ms: await startToAnswer(url, bench.broker.env) }) },
          { name: "node -e 0", sample: async () => ({ ms: await timed(nodeIn(bench.broker)) }) },
        ],
        targets: [{ of: "ours", figure: "ms", beside: "node -e 0", atMost }],
        close: () => bench.close(),
      };
    },
  };
}

async function startToAnswer(url: string, env: Readonly<Record<string, string>>): Promise<number> {
  const [program = "", ...args] = programOf("brokerd");
  const began = performance.now();
  const child = spawn(program, args, { env, stdio: "ignore" });
  const gone = once(child, "exit");
  for (;;) {
    const answered = await rawGet(url).then(
      () => true,
      () => false,
    );
    if (answered) break;
    if (child.exitCode !== null || performance.now() - began > START_LIMIT_MS)
      throw new Error("brokerd did not answer after its start");
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  const took = performance.now() - began;
  child.kill("SIGTERM");
  await gone;
  return took;
}

/** Each sample is of processes that have just begun. */
function memoryRow(roles: number, atMost: number): Row {
  return {
    ...{ id: `rss-${roles}`, title: `resident memory, ${countOf(roles)} active`, rounds: 3, quickRounds: 1 },
    prepare: async () => {
      const bench = await BenchBroker.create(roles);
      const urls = await bench.activate();
      return {
        sides: [
          {
            name: "ours",
            sample: async () => {
              await bench.broker.stop();
              await bench.broker.start();
              for (const url of urls) await rawGet(url);
              return { MB: residentMb(bench.pid) };
            },
          },
          {
            name: "node:http",
            sample: async () => {
              const bare = await BareServer.like(urls);
              for (const index of urls.keys()) await rawGet(bare.urlOf(index));
              const MB = residentMb(bare.pid);
              await bare.close();
              return { MB };
            },
          },
        ],
        targets: [{ of: "ours", figure: "MB", beside: "node:http", atMost }],
        close: () => bench.close(),
      };
    },
  };
}

function idleRow(): Row {
  return {
    ...{ id: "idle", title: "processor time of an idle brokerd, 1,000 roles active", rounds: 3, quickRounds: 1 },
    prepare: async ({ quick }) => {
      const milliseconds = quick ? QUICK_IDLE_MS : IDLE_MS;
      const bench = await BenchBroker.create(1000);
      await bench.activate();
      const sample = async (round: number): Promise<{ "% of a core": number }> => {
        const before = ranMs(bench.pid);
        // Round 0 lets what follows the fetches come to its end.
        await new Promise((resolve) => setTimeout(resolve, round === 0 ? QUICK_IDLE_MS / 2 : milliseconds));
        return { "% of a core": (100 * (ranMs(bench.pid) - before)) / milliseconds };
      };
      return {
        sides: [{ name: "ours", sample }],
        targets: [{ of: "ours", figure: "% of a core", atMost: 0.1, unit: "%" }],
        close: () => bench.close(),
      };
    },
  };
}

function countOf(roles: number): string {
  return roles === 1 ? "1 role" : `${roles.toLocaleString("en")} roles`;
}
