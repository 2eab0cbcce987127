import { chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { run, SetupFailure } from "./set-up.js";
import { isZigThere, prepareZig, type Zig } from "./zig.js";

/**
 * `npm run build:native`: the launcher for each of the machines that it runs on, in `bin/native`, the same to the byte wherever it is
 * built. `npm pack` runs it with `--if-there`: where there is no Zig yet, and no CI, it downloads nothing and packs no launcher, which
 * nothing needs. What is told goes to stderr: stdout is the name of the package.
 */
const OUT = "bin/native";
const TARGETS = {
  "linux-x64": "x86_64-linux-musl",
  "linux-arm64": "aarch64-linux-musl",
  "darwin-x64": "x86_64-macos.13.0",
  "darwin-arm64": "aarch64-macos.13.0",
} as const;
/** Checks stay in: of bounds, overflow and null. Nothing in it depends on the machine that builds it. */
const FLAGS = ["-O", "ReleaseSafe", "-fstrip", "-fsingle-threaded", "-mcpu=baseline", "--build-id=none"];
/** Only what is called, and no tables to unwind a stack by. */
const SMALL = ["-ffunction-sections", "-fdata-sections", "--gc-sections", "-fno-unwind-tables"];
const SOURCES = ["--dep", "package.json", "-Mroot=native/main.zig", "-Mpackage.json=package.json", "-lc"];

if (process.argv.includes("--if-there") && process.env["CI"] === undefined && !isZigThere()) {
  // What an earlier source made must not be packed with this one.
  rmSync(OUT, { recursive: true, force: true });
  process.stderr.write(
    "no Zig is there: no launcher is packed, and Node starts every command (npm run build:native)\n",
  );
} else {
  try {
    buildAll(prepareZig());
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    process.stderr.write(`build:native: ${error.message}\n`);
    process.exitCode = 1;
  }
}

function buildAll(zig: Zig): void {
  for (const [platform, target] of Object.entries(TARGETS)) build(zig, platform, target);
  writeFileSync(join(OUT, "THIRD-PARTY.txt"), licences(zig));
}

function build(zig: Zig, platform: string, target: string): void {
  const directory = join(OUT, platform);
  mkdirSync(directory, { recursive: true });
  const program = join(directory, "brokerctl");
  const place = [`-femit-bin=${program}`, "--cache-dir", zig.cache, "--global-cache-dir", zig.cache];
  run(
    [zig.program, "build-exe", "-target", target, ...FLAGS, ...SMALL, ...place, ...SOURCES],
    `the launcher does not build for ${platform}: ${resolve("native")}`,
  );
  chmodSync(program, 0o755);
  process.stderr.write(`${program}: ${Math.ceil(statSync(program).size / 1024)} KiB\n`);
}

/** What is linked in: Zig's library, and on Linux musl. */
function licences({ directory }: Zig): string {
  const parts = [
    ["Zig's standard library and compiler-rt", "LICENSE"],
    ["musl, in the programs for Linux", "lib/libc/musl/COPYRIGHT"],
  ] as const;
  return parts.map(([what, file]) => `${what}\n\n${readFileSync(join(directory, file), "utf8")}`).join("\n\n");
}
