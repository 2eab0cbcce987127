import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const PAIRS = 21;
const DRAWS = 1000;

/** Where a start file stands, how a shell starts interactively with it, and a loop over what it does before a prompt. */
const SHELLS = {
  bash: { startFile: ".bashrc", flags: ["-i", "-c"], loop: "for ((i = 0; i < @N@; i++)); do @DO@; done" },
  zsh: { startFile: ".zshrc", flags: ["-i", "-c"], loop: "for ((i = 0; i < @N@; i++)); do @DO@; done" },
  fish: { startFile: ".config/fish/config.fish", flags: ["-i", "-c"], loop: "for i in (seq @N@); @DO@; end" },
} as const;
type Shell = keyof typeof SHELLS;

export interface BenchedShells {
  /** An empty directory for homes. */
  readonly root: string;
  /** With a running broker. */
  readonly env: Readonly<Record<string, string>>;
  /** What `brokerctl hook SHELL --install-line` prints. */
  readonly installLine: (shell: Shell) => string;
}

/** What the hook costs: a start with it beside one with an empty start file, and one look before a prompt. */
export function benchShells({ root, env, installLine }: BenchedShells): void {
  for (const shell of Object.keys(SHELLS) as Shell[]) {
    if (spawnSync(shell, ["-c", ":"]).status !== 0) {
      process.stdout.write(`${shell} is not here\n`);
      continue;
    }
    const bare = home(join(root, `${shell}-bare`), shell, "");
    const hooked = home(join(root, `${shell}-hooked`), shell, installLine(shell));
    const run = (userHome: string, script: string): number => timed(shell, script, { ...env, HOME: userHome });
    const start = pairs(() => [run(hooked, ""), run(bare, "")]);
    report(`${shell} with the hook`, start, `× ${shell} without`);
    const look = shell === "fish" ? "__credbroker_look" : "__credbroker_prompt";
    const draws = pairs(() => [
      run(hooked, loop(shell, look)),
      run(hooked, loop(shell, shell === "fish" ? "true" : ":")),
    ]);
    const cost = draws.map(([a, b]) => (a - b) / DRAWS);
    process.stdout.write(`${shell.padEnd(4)} before a prompt   ${median(cost).toFixed(3)} ms\n`);
  }
}

function home(path: string, shell: Shell, text: string): string {
  const file = join(path, SHELLS[shell].startFile);
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(file, `${text}\n`);
  return path;
}

function loop(shell: Shell, body: string): string {
  return SHELLS[shell].loop.replace("@N@", String(DRAWS)).replace("@DO@", body);
}

/** The two in turn, so that a machine whose speed drifts does not matter; the first pair warms the caches. */
function pairs(measure: () => readonly [number, number]): readonly (readonly [number, number])[] {
  return Array.from({ length: PAIRS + 1 }, measure).slice(1);
}

function report(what: string, measured: readonly (readonly [number, number])[], beside: string): void {
  const ratio = median(measured.map(([a, b]) => a / b));
  const more = median(measured.map(([a, b]) => a - b));
  process.stdout.write(`${what.padEnd(20)} ${ratio.toFixed(2)} ${beside}, ${more.toFixed(1)} ms more\n`);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Wall-clock milliseconds of a whole shell. */
function timed(shell: Shell, script: string, env: Readonly<Record<string, string>>): number {
  const start = performance.now();
  const { status, stderr } = spawnSync(shell, [...SHELLS[shell].flags, `${script}\nexit 0`], { env, encoding: "utf8" });
  if (status !== 0) throw new Error(`${shell} ended with ${String(status)}: ${stderr}`);
  return performance.now() - start;
}
