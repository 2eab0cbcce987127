import { spawnSync } from "node:child_process";
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { benchPeers } from "./bench-peers.js";
import { benchShells } from "./bench-shells.js";

/**
 * `npm run bench`: what a command costs beside Node itself, what the hook costs a shell, and what it costs to look up whose program asks. Each is run in turn with `node -e 0`, so that a machine whose
 * speed drifts does not matter; the ratio of each pair counts, and of those the median.
 */
const PAIRS = 21;
const BROKERCTL = resolve("dist/brokerctl.js");
const home = mkdtempSync(join(realpathSync(tmpdir()), "credbroker-bench-"));
const env = { PATH: process.env["PATH"] ?? "", HOME: home, CREDBROKER_HOME: home };

try {
  run([BROKERCTL, "init", "--secret-store", "key_file", "--yes"]);
  for (const command of ["--version", "status", "env"]) report(command);
  benchShells({ root: home, env, installLine: (shell) => output([BROKERCTL, "hook", shell, "--install-line"]) });
  await benchPeers();
} finally {
  run([BROKERCTL, "stop"]);
  rmSync(home, { recursive: true, force: true });
}

function report(command: string): void {
  const ratios: number[] = [];
  for (let pair = 0; pair <= PAIRS; pair++) {
    const ratio = run([BROKERCTL, command]) / run(["-e", "0"]);
    if (pair > 0) ratios.push(ratio); // the first one warms the caches
  }
  ratios.sort((a, b) => a - b);
  const at = (share: number): string => (ratios[Math.floor(share * (ratios.length - 1))] ?? Number.NaN).toFixed(2);
  process.stdout.write(
    `brokerctl ${command.padEnd(10)} ${at(0.5)} × node -e 0   (quartiles ${at(0.25)} to ${at(0.75)})\n`,
  );
}

function output(args: readonly string[]): string {
  return spawnSync(process.execPath, args, { env, encoding: "utf8" }).stdout;
}

/** Wall-clock milliseconds of a whole process. */
function run(args: readonly string[]): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { env, encoding: "utf8" });
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${String(status)}: ${stderr}`);
  return performance.now() - start;
}
