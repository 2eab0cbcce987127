import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { couldRun, type MatrixRow } from "../test/matrix/client.js";
import { runMatrix } from "../test/matrix/matrix.js";
import { pageOf } from "../test/matrix/page.js";
import { type Measured, merge, readMeasured, unexpectedIn, writeMeasured } from "../test/matrix/results.js";
import { ROWS } from "../test/matrix/rows.js";
import { CANARY } from "../test/support/canaries.js";
import { seededRandom } from "../test/support/random.js";
import { searchFiles } from "./leak-search.js";
import { SetupFailure } from "./set-up.js";

/**
 * `npm run test:matrix [-- --light] [--sample N [--seed S]] [--only NAME]… [--list]`: real clients of AWS, from their registries,
 * against the broker.
 * Makes what is missing, prints a line for each step, writes what it saw into docs/client-matrix.md (in CI nowhere) and ends
 * with 1 where a cell is neither right nor the client's own mistake.
 */
const PAGE = resolve("docs/client-matrix.md");

const { values } = parseArgs({
  options: {
    light: { type: "boolean", default: false },
    list: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
    sample: { type: "string" },
    seed: { type: "string", default: String(Math.trunc(Date.now() / 1000)) },
  },
});
// What was started is ended by listeners of this process's own end.
for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)
  process.once(signal, () => process.exit(code));
const rows = chosen(values);
if (values.list) for (const row of rows) process.stdout.write(`${lineOf(row)}\n`);
else process.exitCode = await measure(rows);

function chosen({ light, only, sample, seed }: typeof values): readonly MatrixRow[] {
  const unknown = only.filter((name) => ROWS.every((row) => row.name !== name));
  if (unknown.length > 0) {
    process.stderr.write(`test:matrix: no client is called ${unknown.join(", ")}: \`npm run test:matrix -- --list\`\n`);
    process.exit(2);
  }
  if (only.length > 0) return ROWS.filter(({ name }) => only.includes(name));
  const rows = light ? ROWS.filter((row) => row.light) : ROWS;
  return sample === undefined ? rows : sampleOf(rows, wholeNumber("--sample", sample), wholeNumber("--seed", seed));
}

function wholeNumber(option: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  process.stderr.write(`test:matrix: ${option} takes a whole number, not ${text}\n`);
  process.exit(2);
}

/** So many of those that can run, and the same ones for the same seed. */
function sampleOf(rows: readonly MatrixRow[], size: number, seed: number): readonly MatrixRow[] {
  const random = seededRandom(seed);
  const left = rows.filter(couldRun);
  const taken = new Set<MatrixRow>();
  while (taken.size < size && left.length > 0) taken.add(left.splice(Math.floor(random() * left.length), 1)[0]!);
  process.stdout.write(`test:matrix: ${taken.size} of ${rows.length} rows, seed ${seed}\n`);
  return rows.filter((row) => taken.has(row));
}

function lineOf(row: MatrixRow): string {
  const kind = row.light ? "light" : "heavy";
  return `${kind}  ${row.name}${couldRun(row) ? "" : ` (not run: ${row.notRun})`}`;
}

async function measure(rows: readonly MatrixRow[]): Promise<number> {
  const startedAt = Date.now();
  const tell = (line: string): void =>
    void process.stdout.write(`${String(Math.round((Date.now() - startedAt) / 1000)).padStart(5)} s  ${line}\n`);
  const clients = rows.filter(couldRun);
  try {
    for (const client of clients) client.prepare();
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    process.stderr.write(`test:matrix: ${error.message}\n`);
    return 1;
  }
  tell(`${clients.length} clients are there`);
  const root = mkdtempSync(join(realpathSync(tmpdir()), "cb-"));
  process.env["CREDBROKER_TEST_ROOT"] = root;
  const date = new Date(startedAt).toISOString().slice(0, 10);
  const now = await runMatrix({ clients, date, withBurst: values.only.length === 0, tell });
  const page = publish(now);
  const problems = [...problemsOf(now), ...leaksIn(root, page)];
  for (const problem of problems) process.stderr.write(`test:matrix: ${problem}\n`);
  if (problems.length === 0) rmSync(root, { recursive: true, force: true });
  else process.stderr.write(`what the run wrote is kept: ${root}\n`);
  tell(
    `${clients.length - new Set(problems.map((each) => each.split(":")[0])).size} passed, ${problems.length} failed`,
  );
  return problems.length === 0 ? 0 : 1;
}

/** The page with this run's rows; one of CI, which keeps nothing, is only printed. */
function publish(now: Measured): string {
  const isCi = process.env["CI"] !== undefined;
  const measured = isCi ? now : merge(readMeasured(), now, ROWS);
  const page = pageOf(measured, ROWS);
  if (isCi) process.stdout.write(page);
  else {
    writeMeasured(measured);
    writeFileSync(PAGE, page);
  }
  return page;
}

function problemsOf({ rows, burst }: Measured): readonly string[] {
  const unexpected = rows.flatMap((row) => {
    const client = ROWS.filter(couldRun).find(({ name }) => name === row.name);
    return client ? unexpectedIn(row, client) : [];
  });
  const compared = rows.reduce((sum, row) => sum + (row.compared ?? 0), 0);
  const differences = rows.reduce((sum, row) => sum + row.differences.length, 0);
  process.stdout.write(`doctor: ${compared} shells compared, ${differences} differences\n`);
  if (burst === null) return unexpected;
  const { programs, failures, upstreamCalls } = burst;
  process.stdout.write(`${programs} aws --profile at once: ${upstreamCalls} call upstream, ${failures} failures\n`);
  return failures > 0 || upstreamCalls !== 1
    ? [...unexpected, "aws --profile at once: not one call, or failures"]
    : unexpected;
}

/** What the run wrote and what is published hold no planted secret, and no token of a lease. */
function leaksIn(root: string, page: string): readonly string[] {
  const { files, leaks } = searchFiles(join(root, "home"), CANARY);
  process.stdout.write(`leak search: ${files} files searched, ${leaks.length} leaks\n`);
  const inPage = page.includes(CANARY) || /brk_[A-Za-z0-9_-]{43}/.test(page);
  return [...leaks.map(({ file, form }) => `leak: ${form} in ${file}`), ...(inPage ? ["leak: in the page"] : [])];
}
