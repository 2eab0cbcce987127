import { BenchBroker } from "./bench-broker.js";
import { BareServer, type Load, load } from "./load.js";
import type { Peers, Row, RunOptions, Side, Target } from "./measure.js";

const SAMPLE_MS = 1000;
const QUICK_SAMPLE_MS = 400;
/** Before round 1: until V8 has compiled what answers, which took up to 100,000 requests. */
const FIRST_SAMPLE_MS = 6000;

interface Get {
  readonly id: string;
  readonly title: string;
  readonly connections: number;
  readonly fresh?: boolean;
  /** The user behind each connection is looked up, as always; else that is left out. */
  readonly checked: boolean;
  readonly targets: readonly Omit<Target, "of">[];
}

const KEPT: Get["targets"] = [
  { figure: "requests/s", beside: "node:http", atLeast: 0.8 },
  { figure: "requests/s", beside: "aws-vault", atLeast: 0.85 },
  { figure: "µs CPU", beside: "node:http" },
];
const FRESH: Get["targets"] = [
  { figure: "requests/s", beside: "node:http", atLeast: 0.8 },
  { figure: "p99 ms", beside: "node:http", atMost: 1.5 },
];

export const GET_ROWS: readonly Row[] = [
  { id: "get-8", title: "warm GET, 8 connections kept", connections: 8, checked: true, targets: KEPT },
  { id: "get-64", title: "warm GET, 64 connections kept", connections: 64, checked: true, targets: KEPT },
  {
    ...{ id: "get-new", title: "warm GET, a new connection each, 8 at once, peer check off" },
    ...{ connections: 8, fresh: true, checked: false, targets: FRESH },
  },
  {
    ...{ id: "get-new-checked", title: "the same, peer check on" },
    ...{ connections: 8, fresh: true, checked: true },
    targets: FRESH.map(({ figure, beside }) => ({ figure, ...(beside !== undefined && { beside }) })),
  },
].map(getRow);

function getRow({ id, title, targets, ...get }: Get): Row {
  return {
    ...{ id, title, rounds: 9 },
    prepare: async (options) => {
      const broker = await BenchBroker.create(1, get);
      const [url = ""] = await broker.activate();
      const bare = await BareServer.like([url]);
      return {
        sides: [
          side("ours", { url, pid: broker.pid }, { get, options }),
          side("node:http", { url: bare.url, pid: bare.pid }, { get, options }),
          ...peerSides(options.peers, { get, options }),
        ],
        targets: targets.map((target) => ({ of: "ours", ...target })),
        close: async () => {
          await bare.close();
          await broker.close();
        },
      };
    },
  };
}

interface Under {
  readonly get: Pick<Get, "connections" | "fresh" | "checked">;
  readonly options: RunOptions;
}

function side(name: string, server: Pick<Load, "url" | "token" | "pid">, { get, options }: Under): Side {
  const milliseconds = options.quick ? QUICK_SAMPLE_MS : SAMPLE_MS;
  return {
    name,
    sample: (round) => load({ ...server, ...get, milliseconds: round === 0 ? FIRST_SAMPLE_MS : milliseconds }),
  };
}

function peerSides({ endpoints }: Peers, under: Under): readonly Side[] {
  return endpoints.map(({ name, url, token }) => side(name, { url, token }, under));
}
