import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { seededRandom } from "../test/support/random.js";

/**
 * `npm run test:mutation [-- --seed N] [--folder FOLDER]... [--windows N] [--full] [--concurrency N]`: changes seeded samples
 * of each folder by StrykerJS and runs the tests of that folder. Fails where a folder's tests let too many mutants live, and
 * lists those that lived, to be read one by one. A sample is a number of windows of eight lines; `--full` takes whole files.
 */
const STRICT_FOLDERS = new Set(["http", "endpoint", "credentials", "leases", "secrets"]);
const STRICT_SCORE = 90;
const OTHER_SCORE = 80;
const WINDOW_LINES = 8;
const DIRECTORY = ".mutation";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Math.trunc(Date.now() / 1000)) },
    folder: { type: "string", multiple: true, default: [] },
    windows: { type: "string", default: "12" },
    full: { type: "boolean", default: false },
    concurrency: { type: "string", default: "2" },
  },
});

interface Mutant {
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly status: string;
  readonly location: { readonly start: { readonly line: number } };
}

interface Outcome {
  readonly folder: string;
  readonly killed: number;
  /** Of these: those that ended no test. A machine that is too busy has such, too. */
  readonly timedOut: number;
  readonly lived: readonly string[];
}

const seed = Number(values.seed);
process.stdout.write(`seed ${seed}\n`);
const outcomes = folders().map((folder) => mutate(folder));
report(outcomes);

function folders(): readonly string[] {
  const all = readdirSync("src", { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const names = all.map(({ name }) => name);
  const unknown = values.folder.filter((folder) => !names.includes(folder));
  if (unknown.length > 0) throw new Error(`src has no folder ${unknown.join(", ")}; it has ${names.join(", ")}`);
  return values.folder.length > 0 ? values.folder : names;
}

function mutate(folder: string): Outcome {
  process.stdout.write(`\n=== ${folder}\n`);
  mkdirSync(DIRECTORY, { recursive: true });
  const reportFile = join(DIRECTORY, `${folder}.json`);
  rmSync(reportFile, { force: true });
  const config = join(DIRECTORY, `${folder}.config.json`);
  writeFileSync(config, JSON.stringify(strykerConfig(folder, reportFile)));
  const { status } = spawnSync("npx", ["stryker", "run", config], {
    stdio: "inherit",
    env: { ...process.env, CREDBROKER_MUTATED_FOLDER: folder },
  });
  if (status !== 0) throw new Error(`StrykerJS did not finish folder ${folder}: exit ${String(status)}`);
  return outcomeOf(folder, reportFile);
}

function strykerConfig(folder: string, reportFile: string): object {
  return {
    testRunner: "vitest",
    vitest: { configFile: "vitest.mutation.config.ts", related: false },
    plugins: ["@stryker-mutator/vitest-runner"],
    mutate: values.full ? [`src/${folder}/**/*.ts`] : sample(folder),
    coverageAnalysis: "perTest",
    // Mutants of static values need a whole run each; the tests of a constant are those of the code that uses it.
    ignoreStatic: true,
    // A message's wording is free: tests assert on codes.
    mutator: { excludedMutations: ["StringLiteral"] },
    concurrency: Number(values.concurrency),
    timeoutMS: 10_000,
    reporters: ["json", "progress-append-only"],
    jsonReporter: { fileName: reportFile },
    tempDirName: `${DIRECTORY}/sandbox`,
    ignorePatterns: ["/.venv", "/.lambda-clients", "/.test-runs", "/coverage", "/docs"],
    allowEmpty: true,
  };
}

/** Windows of eight lines, drawn by line so that a long file is drawn more often. */
function sample(folder: string): readonly string[] {
  const random = seededRandom(seed ^ hashOf(folder));
  const lines = sourceFiles(join("src", folder)).flatMap((file) => {
    const count = readFileSync(file, "utf8").split("\n").length;
    return Array.from({ length: Math.ceil(count / WINDOW_LINES) }, (_, index) => {
      const first = index * WINDOW_LINES + 1;
      return `${file}:${first}-${Math.min(count, first + WINDOW_LINES - 1)}`;
    });
  });
  const wanted = Math.min(Number(values.windows), lines.length);
  const drawn = new Set<string>();
  while (drawn.size < wanted) drawn.add(lines[Math.floor(random() * lines.length)]!);
  return [...drawn].sort();
}

function sourceFiles(directory: string): readonly string[] {
  const entries = readdirSync(directory, { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

function hashOf(text: string): number {
  return createHash("sha256").update(text).digest().readInt32LE(0);
}

function outcomeOf(folder: string, reportFile: string): Outcome {
  const { files } = JSON.parse(readFileSync(reportFile, "utf8")) as {
    files: Readonly<Record<string, { readonly mutants: readonly Mutant[] }>>;
  };
  const all = Object.entries(files).flatMap(([file, { mutants }]) => mutants.map((mutant) => ({ file, ...mutant })));
  const lived = all.filter(({ status }) => status === "Survived" || status === "NoCoverage");
  return {
    folder,
    killed: all.filter(({ status }) => status === "Killed" || status === "Timeout").length,
    timedOut: all.filter(({ status }) => status === "Timeout").length,
    lived: lived.map(({ file, location, mutatorName, replacement, status }) => {
      const change = (replacement ?? "").replaceAll(/\s+/g, " ").slice(0, 100);
      return `${file}:${location.start.line} ${mutatorName} → ${change} (${status})`;
    }),
  };
}

function report(outcomes: readonly Outcome[]): void {
  let failed = 0;
  process.stdout.write(`\nfolder, killed of all, score (least)\n`);
  for (const { folder, killed, timedOut, lived } of outcomes) {
    const total = killed + lived.length;
    const score = total === 0 ? 100 : (killed * 100) / total;
    const least = STRICT_FOLDERS.has(folder) ? STRICT_SCORE : OTHER_SCORE;
    if (score < least) failed++;
    const verdict = score < least ? "  TOO LOW" : "";
    process.stdout.write(
      `${folder}: ${killed} of ${total} (${timedOut} by a timeout), ${score.toFixed(1)} % (${least} %)${verdict}\n`,
    );
    for (const line of lived) process.stdout.write(`    lived: ${line}\n`);
  }
  process.stdout.write(`${outcomes.length - failed} passed, ${failed} failed\n`);
  process.exitCode = failed === 0 ? 0 : 1;
}
