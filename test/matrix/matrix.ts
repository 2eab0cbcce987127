import { availableParallelism } from "node:os";
import { DEV, PROD } from "../clients/bench.js";
import { type MatrixBench, startMatrixBench } from "./bench.js";
import { burst } from "./burst.js";
import type { MatrixClient } from "./client.js";
import type { BareColumn, SigningColumn } from "./columns.js";
import { type OverTime, overTime, type StartGate } from "./loops.js";
import { Refusals } from "./messages.js";
import { expectedIn, type Measured, type MeasuredRow } from "./results.js";
import { Shells } from "./shells.js";
import { type SeenCell, Signing, signedBy } from "./signing.js";

export interface MatrixRun {
  readonly clients: readonly MatrixClient[];
  /** Today, UTC. */
  readonly date: string;
  readonly withBurst: boolean;
  /** A line of progress. */
  readonly tell: (line: string) => void;
}

/** Programs at once: with more, the machine is too busy for the endpoint to answer in a client's second. */
const AT_ONCE = Math.max(2, availableParallelism());

/** Every client in every column, in the order in which one step needs the one before. */
export async function runMatrix({ clients, date, withBurst, tell }: MatrixRun): Promise<Measured> {
  const bench = await startMatrixBench();
  const shells = new Shells(bench);
  try {
    await use(bench, DEV.name);
    const signed = await seeSigners(clients, new Signing(bench, shells), tell);
    await use(bench, PROD.name);
    const afterUse = await inTurns(clients, (client) => signerAfterUse(client, bench, shells));
    tell("use: seen by new processes");
    const refusals = await Refusals.prepare(bench, shells);
    const messages = await inTurns(clients, (client) => refusals.read(client));
    tell("refusals: read");
    const loops = await seeLoops(clients, bench, shells);
    tell("loops: past the ends of three keys");
    const rows = clients.map((client, index): MeasuredRow => {
      const { cells, differences } = signed[index]!;
      const { rotation = null, rates = [] } = loops[index] ?? {};
      return {
        ...{ name: client.name, version: client.version(), date },
        signed: Object.fromEntries([...cells].map(([column, cell]) => [column, cell.signed])) as MeasuredRow["signed"],
        ...{ rotation, rates, use: afterUse[index]!, messages: messages[index]! },
        compared: client.family === null ? null : [...cells.values()].filter(({ isCompared }) => isCompared).length,
        differences,
      };
    });
    return { rows, burst: withBurst ? await burst(bench, date) : null };
  } finally {
    shells.close();
    await bench.stop();
  }
}

async function use(bench: MatrixBench, role: string): Promise<void> {
  const { code, stderr } = await bench.broker.ctl(["use", role]);
  if (code !== 0) throw new Error(`use ${role}: ${stderr}`);
}

type Cells = ReadonlyMap<SigningColumn | BareColumn, SeenCell>;

async function seeSigners(
  clients: readonly MatrixClient[],
  signing: Signing,
  tell: (line: string) => void,
): Promise<readonly { readonly cells: Cells; readonly differences: readonly string[] }[]> {
  const results = clients.map(() => new Map<SigningColumn | BareColumn, SeenCell>());
  const jobs = clients.flatMap((client, index) =>
    [...signing.cellsOf(client)].map(([column, see]) => ({ client, index, column, see })),
  );
  await inTurns(jobs, async ({ client, index, column, see }) => {
    const seen = await see(1);
    // Once more where it differs: on a busy machine a client may have given up on the endpoint.
    results[index]!.set(column, isAsWanted(client, column, seen) ? seen : await see(2));
    if (results[index]!.size === signing.cellsOf(client).size) tell(`${client.name}: ${results[index]!.size} shells`);
  });
  return results.map((cells) => ({ cells, differences: differencesIn(cells) }));
}

function isAsWanted(client: MatrixClient, column: SigningColumn | BareColumn, seen: SeenCell): boolean {
  if (seen.difference !== null) return false;
  return column.startsWith("bare") || seen.signed === expectedIn(client, column as SigningColumn);
}

function differencesIn(cells: Cells): readonly string[] {
  return [...cells].flatMap(([column, { difference }]) => (difference === null ? [] : [`${column}: ${difference}`]));
}

async function signerAfterUse(client: MatrixClient, bench: MatrixBench, shells: Shells): Promise<string> {
  const { env } = await shells.get("env", "empty", client.as);
  const label = `${client.name}/use`;
  await bench.run(client, { label, env, command: client.identity() });
  return signedBy(bench, bench.callsOf(label), PROD);
}

/** All of them in one window. */
function seeLoops(
  clients: readonly MatrixClient[],
  bench: MatrixBench,
  shells: Shells,
): Promise<readonly (OverTime | undefined)[]> {
  const gate = startGate(AT_ONCE);
  return Promise.all(
    clients.map(async (client) => {
      const { loop } = client;
      return loop && overTime({ ...client, loop }, { bench, shells, gate });
    }),
  );
}

function startGate(places: number): StartGate {
  const waiting: (() => void)[] = [];
  let free = places;
  return async (start) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await start();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}

/** `AT_ONCE` of them at a time; the results in the order of the jobs. */
async function inTurns<Job, Result>(jobs: readonly Job[], work: (job: Job) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  const left = [...jobs.entries()];
  const take = async (): Promise<void> => {
    for (let next = left.shift(); next; next = left.shift()) results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, take));
  return results;
}
