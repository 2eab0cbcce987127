import { copyFileSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { makeOnce, run } from "./set-up.js";

/** What the suites on Lambda run: functions and runtime interface clients, from their registries, in `.lambda-clients/`. */
const HOME = resolve(".lambda-clients");
const SOURCES = resolve("test/lambda-clients");

export type ClientName = "python" | "node" | "reference" | "go" | "rust";

interface Client {
  readonly name: ClientName;
  /** The client is made anew when one of them changes. */
  readonly sources: readonly string[];
  /** Their versions are reasons to make it anew, too. */
  readonly tools: readonly Tool[];
  readonly make: () => void;
}

interface Tool {
  readonly command: readonly [string, ...string[]];
  readonly hint: string;
}

const PYTHON: Tool = {
  command: ["python3", "-c", "import sys, venv, ensurepip; print(sys.version)"],
  hint: "Python 3.11 or newer is needed as `python3`, with its venv module: apt-get install python3 python3-venv",
};
const NPM: Tool = { command: ["npm", "--version"], hint: "npm is needed, which comes with Node" };
const GO: Tool = { command: ["go", "version"], hint: "Go 1.26 or newer is needed as `go`: https://go.dev/dl" };
const CARGO: Tool = {
  command: ["cargo", "--version"],
  hint: "Rust 1.94.1 or newer is needed as `cargo`: https://rustup.rs",
};
const LINKER: Tool = {
  command: ["cc", "--version"],
  hint: "Rust needs a C linker as `cc`: apt-get install gcc libc6-dev",
};

const CLIENTS: readonly Client[] = [
  { name: "python", sources: ["requirements.txt"], tools: [PYTHON], make: makePython },
  {
    name: "node",
    sources: ["node/app.mjs", "node/package.json", "node/package-lock.json"],
    tools: [NPM],
    make: makeNode,
  },
  {
    name: "reference",
    sources: ["reference/package.json", "reference/package-lock.json"],
    tools: [NPM],
    make: makeReference,
  },
  {
    name: "go",
    sources: ["go/main.go", "go/with-aws/main.go", "go/go.mod", "go/go.sum"],
    tools: [GO],
    make: makeGo,
  },
  {
    name: "rust",
    sources: ["rust/src/main.rs", "rust/src/with_aws.rs", "rust/Cargo.toml", "rust/Cargo.lock"],
    tools: [CARGO, LINKER],
    make: makeRust,
  },
];

/** Installs and builds those that are missing or changed; all of them unless some are named. */
export function prepareLambdaClients(suite: string, names?: readonly ClientName[]): void {
  const clients = CLIENTS.filter(({ name }) => names === undefined || names.includes(name));
  // First of all: a tool that is missing is said at once, and not after minutes of building.
  const versions = clients.map(({ tools }) => tools.map(({ command, hint }) => run(command, hint)).join("\0"));
  mkdirSync(HOME, { recursive: true });
  for (const [index, client] of clients.entries()) {
    makeOnce({ suite, home: HOME, sourceDirectory: SOURCES, ...client, versions: versions[index] ?? "" });
  }
}

function makePython(): void {
  const venv = join(HOME, "python");
  run(["python3", "-m", "venv", "--clear", venv], "install Python's venv module: apt-get install python3-venv");
  // Complete and exact pins, wheels only: nothing to resolve, and no package's code runs at install.
  const pins = join(SOURCES, "requirements.txt");
  const install = ["install", "--quiet", "--no-deps", "--only-binary", ":all:", "--requirement", pins];
  run([join(venv, "bin", "python"), "-m", "pip", ...install], "pip must reach PyPI, or a mirror in its configuration");
}

function makeNode(): void {
  const place = join(HOME, "node");
  mkdirSync(place, { recursive: true });
  for (const file of ["app.mjs", "package.json", "package-lock.json"]) {
    copyFileSync(join(SOURCES, "node", file), join(place, file));
  }
  run(["npm", "ci", "--prefix", place, "--ignore-scripts"], "npm must reach its registry, or a mirror");
}

/** AWS's clients for Node; without their addon, whose place test/lambda-clients/reference/transport.cjs takes. */
function makeReference(): void {
  const place = join(HOME, "reference");
  mkdirSync(place, { recursive: true });
  for (const file of ["package.json", "package-lock.json"]) {
    copyFileSync(join(SOURCES, "reference", file), join(place, file));
  }
  run(["npm", "ci", "--prefix", place, "--ignore-scripts"], "npm must reach its registry, or a mirror");
}

/** A directory for each function: its program is called `bootstrap`, as Lambda's OS-only runtimes want it. */
function makeGo(): void {
  const build = ["go", "build", "-C", join(SOURCES, "go")] as const;
  const hint = "go must reach the module proxy, and be 1.26 or newer";
  run([...build, "-o", join(HOME, "go", "bootstrap"), "."], hint, { CGO_ENABLED: "0" });
  run([...build, "-o", join(HOME, "go-with-aws", "bootstrap"), "./with-aws"], hint, { CGO_ENABLED: "0" });
}

function makeRust(): void {
  const manifest = join(SOURCES, "rust", "Cargo.toml");
  const build = ["cargo", "build", "--locked", "--quiet", "--manifest-path", manifest] as const;
  run(build, "cargo must reach crates.io, or a mirror in its configuration, and be 1.94.1 or newer", {
    CARGO_TARGET_DIR: join(HOME, "rust"),
  });
}
