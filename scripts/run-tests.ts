import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { CANARY } from "../test/support/canaries.js";
import { formsOf, searchFiles } from "./leak-search.js";

/**
 * Runs vitest with the arguments given, then searches everything that the suite printed and wrote for the secrets it
 * planted, and proves first that the search would find one. Ends with vitest's exit code, or 1 for a leak.
 *
 * `--again-alone`: files that failed beside others are run once more, one at a time, and that run decides. They are named
 * at the end either way: a test that a busy machine can fail is a fault of the test.
 */
const LEASE_TOKEN = /brk_[A-Za-z0-9_-]{43}/;

/** More files than these are no matter of a busy machine. */
const MOST_AGAIN = 5;

const root = mkdtempSync(join(realpathSync(tmpdir()), "cb-"));
for (const kind of ["home", "input", "output", "control"]) mkdirSync(join(root, kind), { mode: 0o700 });

const { args, sample, isAgainAlone } = ownFlags(process.argv.slice(2));
const firstCode = await runVitest(args, "results.json");
const first = resultsOf("results.json");
const again = firstCode !== 0 && isAgainAlone ? await againAlone(first) : undefined;
const exitCode = again?.code ?? firstCode;
const problems = [...proveSearch(), ...searchAll(), ...countTests()];
for (const file of again?.files ?? []) process.stdout.write(`failed beside others, run again alone: ${file}\n`);
for (const problem of problems) process.stderr.write(`run-tests: ${problem}\n`);
if (exitCode === 0 && problems.length === 0) rmSync(root, { recursive: true, force: true });
else process.stderr.write(`what the run wrote is kept: ${root}\n`);
process.exitCode = problems.length > 0 ? 1 : exitCode;

/** Of ours, not of vitest: `--full` for whole samples where a suite takes a part of one, `--seed N` for the same ones again. */
function ownFlags(all: readonly string[]): OwnFlags {
  const at = all.indexOf("--seed");
  const seed = at < 0 ? undefined : all[at + 1];
  if (at >= 0 && !/^\d{1,10}$/.test(seed ?? "")) throw new Error("--seed takes a whole number");
  const isOurs = (arg: string, index: number): boolean =>
    ["--full", "--again-alone"].includes(arg) || (at >= 0 && (index === at || index === at + 1));
  return {
    isAgainAlone: all.includes("--again-alone"),
    args: all.filter((arg, index) => !isOurs(arg, index)),
    sample: {
      ...(seed !== undefined && { CREDBROKER_TEST_SEED: seed }),
      ...(all.includes("--full") && { CREDBROKER_TEST_FULL: "1" }),
    },
  };
}

interface OwnFlags {
  readonly args: readonly string[];
  readonly sample: NodeJS.ProcessEnv;
  readonly isAgainAlone: boolean;
}

function runVitest(args: readonly string[], results: string): Promise<number> {
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${join(root, results)}`];
  const child = spawn(process.execPath, ["node_modules/vitest/vitest.mjs", "run", ...args, ...reporters], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...sample, CREDBROKER_TEST_ROOT: root, FORCE_COLOR: process.stdout.isTTY ? "1" : "0" },
  });
  const copy = createWriteStream(join(root, "output", "printed"), { flags: "a" });
  child.stdout.on("data", (chunk: Buffer) => void (copy.write(chunk), process.stdout.write(chunk)));
  child.stderr.on("data", (chunk: Buffer) => void (copy.write(chunk), process.stderr.write(chunk)));
  return new Promise((resolve) => {
    child.on("close", (code) => copy.end(() => resolve(code ?? 1)));
  });
}

/** The positive control: each form of a planted secret, in a file of its own, must be found. */
function proveSearch(): readonly string[] {
  for (const [form, text] of formsOf(CANARY)) {
    writeFileSync(join(root, "control", form.replaceAll(/\W+/g, "-")), `before ${text} after`, "latin1");
  }
  const { leaks } = searchFiles(join(root, "control"), CANARY);
  const found = new Set(leaks.map(({ form }) => form));
  return [...formsOf(CANARY).keys()].filter((form) => !found.has(form)).map((form) => `blind to ${form}`);
}

function searchAll(): readonly string[] {
  const homes = searchFiles(join(root, "home"), CANARY);
  const output = searchFiles(join(root, "output"), CANARY);
  const leaks = [...homes.leaks, ...output.leaks];
  const printedToken = LEASE_TOKEN.test(readFileSync(join(root, "output", "printed"), "utf8"));
  process.stdout.write(`leak search: ${homes.files} files and the output searched, ${leaks.length} leaks\n`);
  return [
    ...leaks.map(({ file, form }) => `a planted secret stands ${form} in ${file}`),
    ...(printedToken ? ["a lease token was printed"] : []),
  ];
}

interface Results {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly { readonly name: string; readonly status: string }[];
}

function resultsOf(name: string): Results {
  return JSON.parse(readFileSync(join(root, name), "utf8")) as Results;
}

/** undefined: the first run decides, as where it was not a test that failed. */
async function againAlone({ testResults }: Results): Promise<{ code: number; files: readonly string[] } | undefined> {
  const failed = testResults.filter(({ status }) => status === "failed").map(({ name }) => relative(".", name));
  if (failed.length === 0 || failed.length > MOST_AGAIN) return undefined;
  const project = args.filter((arg, at) => arg === "--project" || args[at - 1] === "--project");
  const code = await runVitest([...project, ...failed, "--no-file-parallelism"], "again.json");
  return { code, files: failed };
}

/** A suite that ran nothing, and in CI one that skipped something, has not passed. */
function countTests(): readonly string[] {
  const last = again ? resultsOf("again.json") : first;
  const passed = first.numPassedTests + (again ? first.numFailedTests - last.numFailedTests : 0);
  process.stdout.write(`${passed} passed, ${last.numFailedTests} failed, ${first.numPendingTests} skipped\n`);
  const skipped = process.env["CI"] !== undefined && first.numPendingTests > 0;
  return [
    ...(passed === 0 ? ["no test passed"] : []),
    ...(skipped ? [`${first.numPendingTests} tests were skipped, which counts as failed in CI`] : []),
  ];
}
