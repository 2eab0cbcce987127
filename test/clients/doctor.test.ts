import { afterAll, beforeAll, expect, it } from "vitest";
import type { VerdictJson } from "../../src/cli/doctor/print.js";
import { seededRandom } from "../support/random.js";
import { type Bench, DEV, startBench } from "./bench.js";
import { generateHomes, makeGeneratedHome } from "./generated-homes.js";
import { signerForetold, signerSeen } from "./signer-of.js";
import { SIGNERS, type Signer } from "./signers.js";

/** `CREDBROKER_TEST_SEED=7` makes other homes, and another sample. */
const SEED = Number(process.env["CREDBROKER_TEST_SEED"] ?? 20_261_129);
const isFull = process.env["CREDBROKER_TEST_FULL"] === "1";
const GENERATED = 50;
/** Of all rows, without `-- --full`. */
const SAMPLE = 40;
/** Clients at once: with more, the machine is too busy for the endpoint to answer in a client's second. */
const AT_ONCE = 2;

interface TestHome {
  readonly name: string;
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
}

interface Row {
  readonly home: TestHome;
  readonly program: Signer;
}

let bench: Bench;
let lease: Readonly<Record<string, string>>;
beforeAll(async () => {
  bench = await startBench({ sessionSeconds: 3600 });
  expect(await bench.broker.ctl(["use", DEV.name])).toMatchObject({ code: 0 });
  const { stdout } = await bench.broker.ctl(["env", "--format", "json"]);
  lease = (JSON.parse(stdout) as { readonly set: Record<string, string> }).set;
});
afterAll(async () => bench.stop());

/** As users have them: without the copies that `env` and `exec` put in their place. */
function homes(): readonly TestHome[] {
  return generateHomes(GENERATED, SEED).map((home) => ({ name: home.name, ...makeGeneratedHome(home) }));
}

function shellIn({ directory, env }: TestHome, label: string) {
  const url = bench.proxy.url(label);
  const quick = { AWS_EC2_METADATA_DISABLED: "true", AWS_MAX_ATTEMPTS: "1" };
  // Go's SDK takes the second for the STS that assumes a profile's role.
  const upstream = { AWS_ENDPOINT_URL: url, AWS_ENDPOINT_URL_STS: url };
  const variables = { ...lease, ...quick, ...upstream, ...env, HOME: directory };
  return bench.shell({ kind: "empty", directory, env: variables }, label);
}

/** Of `brokerctl doctor` in that very shell, before any client has run in it. */
async function verdictsIn(home: TestHome): Promise<ReadonlyMap<string, VerdictJson>> {
  const { stdout } = await shellIn(home, "doctor").script("exec brokerctl doctor --json");
  const { sdks } = JSON.parse(stdout) as { readonly sdks: readonly (VerdictJson & { readonly name: string })[] };
  return new Map(sdks.map((sdk) => [sdk.name, sdk]));
}

async function signerIn({ home, program }: Row, attempt: number): Promise<string> {
  const label = `doctor/${program.name}/${home.name}/${attempt}`;
  await shellIn(home, label).script('exec "$@"', program.command());
  const isLease = (key: string): string | undefined => (bench.proxy.roleOf(key) === DEV.roleArn ? "dev" : undefined);
  return signerSeen(bench.proxy.callsOf(label), isLease);
}

function sampled(rows: readonly Row[]): readonly Row[] {
  if (isFull) return rows;
  const random = seededRandom(SEED);
  return rows
    .map((row) => ({ row, order: random() }))
    .toSorted((a, b) => a.order - b.order)
    .slice(0, SAMPLE)
    .map(({ row }) => row);
}

it("doctor foretells who signs, of every program in every home", { timeout: 3_600_000 }, async () => {
  const all = homes();
  const rows = sampled(all.flatMap((home) => SIGNERS.map((program) => ({ home, program }))));
  const verdicts = new Map<TestHome, ReadonlyMap<string, VerdictJson>>();
  for (const home of new Set(rows.map((row) => row.home))) verdicts.set(home, await verdictsIn(home));
  const differences: object[] = [];
  const left = [...rows];
  const work = async (): Promise<void> => {
    for (let row = left.shift(); row; row = left.shift()) {
      const verdict = verdicts.get(row.home)?.get(row.program.family);
      if (!verdict) throw new Error(`doctor says nothing of ${row.program.family}`);
      const foretold = signerForetold(verdict);
      // Once more where it differs: on a busy machine a client may have given up on the endpoint.
      const seen = (await signerIn(row, 1)) === foretold ? foretold : await signerIn(row, 2);
      if (seen !== foretold)
        differences.push({ home: row.home.name, program: row.program.name, foretold, seen, verdict });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  process.stdout.write(`doctor: seed ${SEED}, ${rows.length} rows compared, ${differences.length} differences\n`);
  expect(differences).toEqual([]);
});
