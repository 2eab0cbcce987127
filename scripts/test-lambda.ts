import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

/**
 * `npm run test:lambda [vitest arguments]`: the runtime interface clients of AWS for Python, Go and Rust, installed and built
 * into `.lambda-clients/` when they are missing or changed, then the tests that run them against our Runtime API. What
 * cannot be installed is a failure, never a skip.
 */
const HOME = resolve(".lambda-clients");
const SOURCES = resolve("test/lambda-clients");
const STEP_LIMIT_MS = 20 * 60_000;

class SetupFailure extends Error {}

interface Client {
  readonly name: string;
  /** The client is made anew when one of them changes. */
  readonly sources: readonly string[];
  /** Its tool's version is one of the reasons to make it anew, too. */
  readonly tool: readonly [string, ...string[]];
  readonly toolHint: string;
  readonly make: () => void;
}

const CLIENTS: readonly Client[] = [
  {
    name: "python",
    sources: ["requirements.txt"],
    tool: ["python3", "-c", "import sys, venv, ensurepip; print(sys.version)"],
    toolHint: "Python 3.10 or newer is needed as `python3`, with its venv module: apt-get install python3 python3-venv",
    make: makePython,
  },
  {
    name: "go",
    sources: ["go/main.go", "go/go.mod", "go/go.sum"],
    tool: ["go", "version"],
    toolHint: "Go 1.26 or newer is needed as `go`",
    make: makeGo,
  },
  {
    name: "rust",
    sources: ["rust/src/main.rs", "rust/Cargo.toml", "rust/Cargo.lock"],
    tool: ["cargo", "--version"],
    toolHint: "Rust 1.84 or newer is needed as `cargo`, and a C linker: apt-get install gcc",
    make: makeRust,
  },
];

try {
  mkdirSync(HOME, { recursive: true });
  for (const client of CLIENTS) prepare(client);
  process.exitCode = runTests(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof SetupFailure)) throw error;
  process.stderr.write(`test:lambda: ${error.message}\n`);
  process.exitCode = 1;
}

function prepare({ name, sources, tool, toolHint, make }: Client): void {
  const hash = createHash("sha256").update(`${HOME}\0${run(tool, toolHint)}`);
  for (const source of sources) hash.update(readFileSync(join(SOURCES, source)));
  const wanted = hash.digest("hex");
  // Written last: says for which sources, tool and place the client is complete.
  const marker = join(HOME, `${name}.made-for`);
  if (textOf(marker) === wanted) return;
  process.stdout.write(`test:lambda: making the client for ${name}\n`);
  rmSync(marker, { force: true });
  make();
  writeFileSync(marker, wanted);
}

function makePython(): void {
  const venv = join(HOME, "python");
  run(["python3", "-m", "venv", "--clear", venv], "install Python's venv module: apt-get install python3-venv");
  // Complete and exact pins, wheels only: nothing to resolve, and no package's code runs at install.
  const pins = join(SOURCES, "requirements.txt");
  const install = ["install", "--quiet", "--no-deps", "--only-binary", ":all:", "--requirement", pins];
  run([join(venv, "bin", "python"), "-m", "pip", ...install], "pip must reach PyPI, or a mirror in its configuration");
}

function makeGo(): void {
  const build = ["go", "build", "-C", join(SOURCES, "go"), "-o", join(HOME, "go", "bootstrap"), "."] as const;
  run(build, "go must reach the module proxy", { CGO_ENABLED: "0" });
}

function makeRust(): void {
  const manifest = join(SOURCES, "rust", "Cargo.toml");
  const build = ["cargo", "build", "--locked", "--quiet", "--manifest-path", manifest] as const;
  run(build, "cargo must reach crates.io, or a mirror in its configuration", {
    CARGO_TARGET_DIR: join(HOME, "rust"),
  });
}

/** Its standard output. */
function run(command: readonly string[], hint: string, env: Readonly<Record<string, string>> = {}): string {
  const [program = "", ...args] = command;
  const options = { encoding: "utf8", timeout: STEP_LIMIT_MS, env: { ...process.env, ...env } } as const;
  const { status, stdout, stderr, error } = spawnSync(program, args, options);
  if (status === 0) return stdout;
  throw new SetupFailure(`\`${command.join(" ")}\` failed: ${error?.message ?? `${stdout}${stderr}`.trim()}\n${hint}`);
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

function runTests(args: readonly string[]): number {
  const command = ["--import", "tsx", "scripts/run-tests.ts", "--project", "lambda", ...args];
  return spawnSync(process.execPath, command, { stdio: "inherit" }).status ?? 1;
}
