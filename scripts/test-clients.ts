import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

/**
 * `npm run test:clients [vitest arguments]`: a venv with the pinned AWS CLI, boto3 and moto, made when it is missing or
 * its pins changed, then the tests that run them against the broker. What cannot be installed is a failure, never a skip.
 */
const VENV = resolve(".venv");
const PINS = resolve("test/clients/requirements.txt");
/** Written last: says for which pins, Python and place the venv is complete. */
const MARKER = join(VENV, "installed-for");
const OLDEST_PYTHON = [3, 11] as const;
const INSTALL_LIMIT_MS = 15 * 60_000;

class SetupFailure extends Error {}

try {
  prepareVenv();
  process.exitCode = runTests(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupFailure)) throw error;
  process.stderr.write(`test:clients: ${error.message}\n`);
  process.exitCode = 1;
}

function prepareVenv(): void {
  const version = pythonVersion();
  // A venv holds its own path and cannot be moved; its packages are built for one Python.
  const wanted = createHash("sha256").update(readFileSync(PINS)).update(`\0${VENV}\0${version}`).digest("hex");
  if (markerText() === wanted) return;
  process.stdout.write("test:clients: installing the AWS CLI, boto3 and moto into .venv (about a minute)\n");
  const python = join(VENV, "bin", "python");
  run(["python3", "-m", "venv", "--clear", VENV], "install Python's venv module: apt-get install python3-venv");
  // Complete and exact pins: nothing to resolve. Wheels only: no package's code runs at install.
  const install = ["install", "--quiet", "--no-deps", "--only-binary", ":all:", "--no-compile", "--requirement", PINS];
  run([python, "-m", "pip", ...install], "pip must reach PyPI, or a mirror named in its configuration");
  run([python, "-m", "pip", "check"], `the pins in ${PINS} do not fit together`);
  writeFileSync(MARKER, wanted);
}

function pythonVersion(): string {
  const oldest = OLDEST_PYTHON.join(".");
  const hint = `Python ${oldest} or newer is needed as \`python3\`, with its venv module: apt-get install python3 python3-venv`;
  const code = "import sys, venv, ensurepip; print('%d.%d.%d' % sys.version_info[:3])";
  const { status, stdout, stderr, error } = spawnSync("python3", ["-c", code], { encoding: "utf8", timeout: 60_000 });
  if (status !== 0) throw new SetupFailure(`${hint}\n${error?.message ?? stderr.trim()}`);
  const version = stdout.trim();
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major === OLDEST_PYTHON[0] && minor >= OLDEST_PYTHON[1]) return version;
  throw new SetupFailure(`${hint}; this one is ${version}`);
}

function markerText(): string | undefined {
  try {
    return readFileSync(MARKER, "utf8");
  } catch {
    return undefined;
  }
}

function run(command: readonly string[], hint: string): void {
  const [program = "", ...args] = command;
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", timeout: INSTALL_LIMIT_MS });
  if (status === 0) return;
  const why = error?.message ?? `${stdout}${stderr}`.trim();
  throw new SetupFailure(`\`${command.join(" ")}\` failed: ${why}\n${hint}`);
}

function runTests(args: readonly string[]): number {
  const command = ["--import", "tsx", "scripts/run-tests.ts", "--project", "clients", ...args];
  return spawnSync(process.execPath, command, { stdio: "inherit" }).status ?? 1;
}
