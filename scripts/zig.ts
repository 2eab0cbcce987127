import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { run, SetupFailure, textOf } from "./set-up.js";

/** Exact, so that the launcher built today is the one built yesterday; `native/requirements.txt` has its hashes. */
const VERSION = "0.17.1";
const PLACE = resolve(".zig");
const PINS = resolve("native/requirements.txt");
/** Written last: says for which pins and place the venv is complete. */
const MARKER = join(PLACE, "installed-for");

export interface Zig {
  readonly program: string;
  /** What it keeps between builds. */
  readonly cache: string;
  /** With its licence, and those of what it links in. */
  readonly directory: string;
}

/** The pinned Zig: the one that the variable ZIG names, else from PyPI, which is where it can be had by hash, into `.zig/`. */
export function prepareZig(): Zig {
  const cache = join(PLACE, "cache");
  mkdirSync(cache, { recursive: true });
  const program = process.env["ZIG"] ?? install();
  const version = run([program, "version"], "ZIG names no Zig that runs here: unset ZIG").trim();
  if (version !== VERSION) throw new SetupFailure(`${program} is Zig ${version}, not ${VERSION}: unset ZIG`);
  return { program, cache, directory: dirname(program) };
}

/** Without a download. */
export function isZigThere(): boolean {
  return process.env["ZIG"] !== undefined || textOf(MARKER) === wantedMarker();
}

function wantedMarker(): string {
  return createHash("sha256").update(readFileSync(PINS)).update(`\0${PLACE}`).digest("hex");
}

function install(): string {
  const wanted = wantedMarker();
  const venv = join(PLACE, "venv");
  const python = join(venv, "bin", "python");
  if (textOf(MARKER) !== wanted) {
    process.stderr.write(`installing Zig ${VERSION} into .zig (100 MB, once)\n`);
    run(
      ["python3", "-m", "venv", "--clear", venv],
      "Python 3 with its venv module is needed: apt-get install python3-venv",
    );
    const install = ["install", "--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes", "--no-compile"];
    run(
      [python, "-m", "pip", ...install, "--requirement", PINS],
      "pip must reach PyPI, or a mirror named in its configuration",
    );
    writeFileSync(MARKER, wanted);
  }
  const code = "import ziglang, os; print(os.path.dirname(ziglang.__file__))";
  return join(run([python, "-c", code], "remove .zig and try again").trim(), "zig");
}
