import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

const STEP_LIMIT_MS = 20 * 60_000;

/** What a suite needs cannot be had: a failure of the suite, never a reason to skip. */
export class SetupFailure extends Error {}

/** Its standard output; a failure names the command and what mends it. */
export function run(command: readonly string[], hint: string, env: Readonly<Record<string, string>> = {}): string {
  const [program = "", ...args] = command;
  const options = { encoding: "utf8", timeout: STEP_LIMIT_MS, env: { ...process.env, ...env } } as const;
  const { status, stdout, stderr, error } = spawnSync(program, args, options);
  if (status === 0) return stdout;
  throw new SetupFailure(`\`${command.join(" ")}\` failed: ${error?.message ?? `${stdout}${stderr}`.trim()}\n${hint}`);
}

export function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/** The main part of a suite's script: `name` stands before what it says of a failure. */
export function setUpAndRun({ name, setUp }: { name: string; setUp: () => void }): void {
  const suite = name.replace("test:", "");
  try {
    setUp();
    const command = ["--import", "tsx", "scripts/run-tests.ts", "--project", suite, ...process.argv.slice(2)];
    process.exitCode = spawnSync(process.execPath, command, { stdio: "inherit" }).status ?? 1;
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    process.stderr.write(`${name}: ${error.message}\n`);
    process.exitCode = 1;
  }
}
