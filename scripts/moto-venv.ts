import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { run, SetupFailure, textOf } from "./set-up.js";

const VENV = resolve(".venv");
const PINS = resolve("test/clients/requirements.txt");
/** Written last: says for which pins, Python and place the venv is complete. */
const MARKER = join(VENV, "installed-for");
const OLDEST_PYTHON = [3, 11] as const;

/** `.venv` with the pinned AWS CLI, boto3 and moto, made when it is missing or its pins changed. */
export function prepareMotoVenv(): void {
  const version = pythonVersion();
  // A venv holds its own path and cannot be moved; its packages are built for one Python.
  const wanted = createHash("sha256").update(readFileSync(PINS)).update(`\0${VENV}\0${version}`).digest("hex");
  if (textOf(MARKER) === wanted) return;
  process.stdout.write("installing the AWS CLI, boto3 and moto into .venv (about a minute)\n");
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
  const version = run(["python3", "-c", code], hint).trim();
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major === OLDEST_PYTHON[0] && minor >= OLDEST_PYTHON[1]) return version;
  throw new SetupFailure(`${hint}; this one is ${version}`);
}
