import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CANARY } from "../test/support/canaries.js";
import { formsOf, searchFiles } from "./leak-search.js";

/**
 * Runs vitest with the arguments given, then searches everything that the suite printed and wrote for the secrets it
 * planted, and proves first that the search would find one. Ends with vitest's exit code, or 1 for a leak.
 */
const LEASE_TOKEN = /brk_[A-Za-z0-9_-]{43}/;

const root = mkdtempSync(join(realpathSync(tmpdir()), "cb-"));
for (const kind of ["home", "input", "output", "control"]) mkdirSync(join(root, kind), { mode: 0o700 });

const { args, sample } = ownFlags(process.argv.slice(2));
const exitCode = await runVitest(args);
const problems = [...proveSearch(), ...searchAll(), ...countTests()];
for (const problem of problems) process.stderr.write(`run-tests: ${problem}\n`);
if (exitCode === 0 && problems.length === 0) rmSync(root, { recursive: true, force: true });
else process.stderr.write(`what the run wrote is kept: ${root}\n`);
process.exitCode = problems.length > 0 ? 1 : exitCode;

/** Of ours, not of vitest: `--full` for whole samples where a suite takes a part of one, `--seed N` for the same ones again. */
function ownFlags(all: readonly string[]): { readonly args: readonly string[]; readonly sample: NodeJS.ProcessEnv } {
  const at = all.indexOf("--seed");
  const seed = at < 0 ? undefined : all[at + 1];
  if (at >= 0 && !/^\d{1,10}$/.test(seed ?? "")) throw new Error("--seed takes a whole number");
  const isOurs = (arg: string, index: number): boolean =>
    arg === "--full" || (at >= 0 && (index === at || index === at + 1));
  return {
    args: all.filter((arg, index) => !isOurs(arg, index)),
    sample: {
      ...(seed !== undefined && { CREDBROKER_TEST_SEED: seed }),
      ...(all.includes("--full") && { CREDBROKER_TEST_FULL: "1" }),
    },
  };
}

function runVitest(args: readonly string[]): Promise<number> {
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${join(root, "results.json")}`];
  const child = spawn(process.execPath, ["node_modules/vitest/vitest.mjs", "run", ...args, ...reporters], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...sample, CREDBROKER_TEST_ROOT: root, FORCE_COLOR: process.stdout.isTTY ? "1" : "0" },
  });
  const copy = createWriteStream(join(root, "output", "printed"));
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
}

/** A suite that ran nothing, and in CI one that skipped something, has not passed. */
function countTests(): readonly string[] {
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(
    readFileSync(join(root, "results.json"), "utf8"),
  ) as Results;
  process.stdout.write(`${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped\n`);
  const skipped = process.env["CI"] !== undefined && numPendingTests > 0;
  return [
    ...(numPassedTests === 0 ? ["no test passed"] : []),
    ...(skipped ? [`${numPendingTests} tests were skipped, which counts as failed in CI`] : []),
  ];
}
