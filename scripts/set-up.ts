import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const STEP_LIMIT_MS = 20 * 60_000;

/** What a suite needs cannot be had: a failure of the suite, never a reason to skip. */
export class SetupFailure extends Error {}

/** Its standard output; a failure names the command and the fix. */
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

export interface MadeClient {
  /** For what is said of it. */
  readonly suite: string;
  readonly name: string;
  /** Where it is made. */
  readonly home: string;
  /** The client is made anew when one of them changes, or what `versions` says of the tools. */
  readonly sourceDirectory: string;
  readonly sources: readonly string[];
  readonly versions: string;
  readonly make: () => void;
}

/** Makes a client for tests unless it is there, for these sources, tools and place. */
export function makeOnce({ suite, name, home, sourceDirectory, sources, versions, make }: MadeClient): void {
  const hash = createHash("sha256").update(`${home}\0${versions}`);
  for (const source of sources) hash.update(readFileSync(join(sourceDirectory, source)));
  const wanted = hash.digest("hex");
  // Written last: says for which sources, tools and place the client is complete.
  const marker = join(home, `${name}.made-for`);
  if (textOf(marker) === wanted) return;
  mkdirSync(home, { recursive: true });
  const startedAt = Date.now();
  process.stdout.write(`${suite}: making the client for ${name}`);
  rmSync(marker, { force: true });
  make();
  writeFileSync(marker, wanted);
  process.stdout.write(` (${Math.round((Date.now() - startedAt) / 1000)} s)\n`);
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
