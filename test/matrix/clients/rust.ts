import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeOnce, run } from "../../../scripts/set-up.js";
import { MADE, type MatrixRow, made, matrixProgram } from "../client.js";

const SOURCE = matrixProgram("rust");
const BINARY = "rust/debug/identity";
const HINT = "Rust 1.94.1 or newer is needed as `cargo` (https://rustup.rs) with a C linker, and must reach crates.io";

export const RUST: readonly MatrixRow[] = [
  {
    name: "Rust SDK",
    family: "Rust",
    light: false,
    prepare: () => {
      const sources = ["Cargo.toml", "Cargo.lock", "src/main.rs"];
      const versions = run(["cargo", "--version"], HINT);
      makeOnce({ suite: "test:matrix", name: "rust", home: MADE, sourceDirectory: SOURCE, sources, versions, make });
    },
    version: () => versionLocked("aws-config"),
    identity: () => [made(BINARY), "identity"],
    loop: (seconds) => [made(BINARY), "loop", String(seconds)],
  },
];

function make(): void {
  const build = ["cargo", "build", "--locked", "--quiet", "--manifest-path", join(SOURCE, "Cargo.toml")];
  run(build, HINT, { CARGO_TARGET_DIR: join(MADE, "rust") });
}

/** What `--locked` built. */
function versionLocked(crate: string): string {
  const lock = readFileSync(join(SOURCE, "Cargo.lock"), "utf8");
  const version = new RegExp(`name = "${crate}"\\nversion = "([^"]+)"`).exec(lock)?.[1];
  if (version === undefined) throw new Error(`${crate} is not in Cargo.lock`);
  return version;
}
