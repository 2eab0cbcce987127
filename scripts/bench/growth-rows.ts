import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashLeaseToken, type Lease, newLeaseToken } from "../../src/core/lease.js";
import { parseLeaseRecords, renderLeaseRecords } from "../../src/leases/lease-records.js";
import { SystemProcessTable } from "../../src/system/process-identity.js";
import { BenchBroker, timed } from "./bench-broker.js";
import { load } from "./load.js";
import type { Figures, Row, Side } from "./measure.js";

const SIZES = [1, 10, 100, 1000, 10_000];
const QUICK_SIZES = [1, 100, 10_000];
const [SMALLEST, LARGEST] = ["1", "10000"];
const GET_MS = 500;
/** Next to nothing of what a command takes: no growth at all. */
const FLAT = 1.15;

export const GROWTH_ID = "growth";

/** Roles and leases, as many of each: what a person waits for, and what a GET costs. */
export const GROWTH_ROW: Row = {
  ...{ id: GROWTH_ID, title: "with 1 to 10,000 roles and leases", rounds: 9 },
  prepare: async ({ quick }) => {
    const grown: { readonly bench: BenchBroker; readonly side: Side }[] = [];
    for (const size of quick ? QUICK_SIZES : SIZES) grown.push(await grow(size));
    const twice = ["status ms", "env ms", "use ms"].map((figure) => ({ figure, atMost: 2 }));
    return {
      sides: grown.map(({ side }) => side),
      targets: [{ figure: "GET µs CPU", atMost: FLAT }, ...twice, { figure: "status --json ms" }].map((target) => ({
        ...{ of: LARGEST, beside: SMALLEST },
        ...target,
      })),
      close: async () => {
        for (const { bench } of grown) await bench.close();
      },
    };
  },
};

async function grow(size: number): Promise<{ readonly bench: BenchBroker; readonly side: Side }> {
  const bench = await BenchBroker.create(Math.max(2, size)); // two, for `use` to move between
  const [url = ""] = await bench.activate(bench.roles.slice(0, 1));
  await bench.broker.stop();
  addLeases(join(bench.broker.home, "state", "leases.json"), bench.roles.slice(0, size));
  await bench.broker.start();
  await load({ url, connections: 8, milliseconds: 4 * GET_MS }); // until its code is compiled
  const sample = async (round: number): Promise<Figures> => ({
    "GET µs CPU": (await load({ url, connections: 8, milliseconds: GET_MS, pid: bench.pid }))["µs CPU"] ?? Number.NaN,
    "status ms": await timed(bench.ctl("status")),
    "status --json ms": await timed(bench.ctl("status", "--json")),
    "env ms": await timed(bench.ctl("env")),
    "use ms": await timed(bench.ctl("use", bench.roles[round % 2] ?? "r0")),
  });
  return { bench, side: { name: String(size), sample } };
}

/** A lease for each role, held by this process, which lives: as if as many shells had asked. */
function addLeases(path: string, roles: readonly string[]): void {
  const { leases, ...rest } = parseLeaseRecords(readFileSync(path, "utf8"));
  const holder = { pid: process.pid, startTime: new SystemProcessTable().startTimeOf(process.pid) ?? "" };
  const more = roles.map((role, index): Lease => {
    const tokenHash = hashLeaseToken(newLeaseToken().reveal());
    const live = { createdAt: Date.now(), expiresAt: null, lastUsedAt: null };
    return { id: `bench-${index}`, kind: "child", tokenHash, role, followsDefault: false, holder, ...live };
  });
  writeFileSync(path, renderLeaseRecords({ ...rest, leases: [...leases, ...more] }));
}
