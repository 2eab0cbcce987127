import { execFileSync } from "node:child_process";
import { arch, cpus, loadavg, release } from "node:os";
import type { RowResult, Spread, Verdict } from "./measure.js";

/** What `--json` writes and `--compare` reads. */
export interface Report {
  readonly version: 1;
  readonly machine: Machine;
  readonly rows: readonly RowResult[];
}

export interface Machine {
  readonly commit: string;
  readonly at: string;
  readonly node: string;
  readonly system: string;
  readonly processors: string;
  readonly quick: boolean;
  /** Of a minute, when the run began. */
  readonly load: number;
}

export function thisMachine(quick: boolean): Machine {
  const all = cpus();
  return {
    commit: execFileSync("git", ["describe", "--always", "--dirty"], { encoding: "utf8" }).trim(),
    at: new Date().toISOString().slice(0, 16),
    node: process.version,
    system: `${process.platform} ${release()} ${arch()}`,
    processors: `${all.length} × ${all[0]?.model ?? "?"}`,
    ...{ quick, load: loadNow() },
  };
}

export function loadNow(): number {
  return loadavg()[0] ?? Number.NaN;
}

/** Something else runs beside the bench, by the load with which it begins. */
export function isBusy(load: number): boolean {
  return load > 0.3 * cpus().length;
}

export function machineLine({ commit, at, node, system, processors, load, quick }: Machine): string {
  return `${commit}, ${at}Z, Node ${node}, ${system}, ${processors}, load ${load.toFixed(1)}${quick ? ", a quick run" : ""}`;
}

/** Of one row, for a terminal. */
export function rowText({ id, title, load, sides, verdicts }: RowResult): string {
  const lines = [`${id}: ${title}${isBusy(load) ? `   (load ${load.toFixed(1)})` : ""}`];
  for (const [side, figures] of Object.entries(sides)) {
    const texts = Object.entries(figures).map(([figure, spread]) => `${spreadText(spread)} ${figure}`);
    lines.push(`  ${side.padEnd(18)} ${texts.join("   ")}`);
  }
  for (const verdict of verdicts) lines.push(`  ${verdictText(verdict)}`);
  return `${lines.join("\n")}\n`;
}

function verdictText(verdict: Verdict): string {
  const { of, figure, beside, got, holds } = verdict;
  const what = beside === undefined ? `${of} ${figure}` : `${of} ${figure} beside ${beside}`;
  const target = targetText(verdict);
  return `→ ${what}: ${gotText(verdict, got)}${target === "" ? "" : `, to reach ${target}: ${holds ? "reached" : "MISSED"}`}`;
}

/** The block of docs/performance.md. */
export function markdown({ machine, rows }: Report): string {
  const head = ["| figure | beside | reach | got (quartiles) | verdict |", "|---|---|---|---|---|"];
  const lines = rows.flatMap(({ title, verdicts, sides }) =>
    verdicts.map((verdict) => {
      const { of, figure, beside, got, holds } = verdict;
      const medians = [of, beside].flatMap((side) => sides[side ?? ""]?.[figure]?.median ?? []).map(round);
      const verdictWord = holds === undefined ? "" : holds ? "reached" : "**missed**";
      const shown = beside === undefined ? gotText(verdict, got) : `${gotText(verdict, got)}: ${medians.join(" and ")}`;
      return `| ${title}, ${figure} | ${beside ?? "–"} | ${targetText(verdict) || "–"} | ${shown} | ${verdictWord} |`;
    }),
  );
  return [`Measured at ${machineLine(machine)}.`, "", ...head, ...lines].join("\n");
}

function targetText({ atMost, atLeast, beside, unit = "" }: Verdict): string {
  const suffix = beside === undefined ? ` ${unit}`.trimEnd() : " ×";
  if (atMost !== undefined) return `≤ ${atMost}${suffix}`;
  return atLeast === undefined ? "" : `≥ ${atLeast}${suffix}`;
}

function gotText({ beside, unit = "" }: Verdict, { median, low, high }: Spread): string {
  const suffix = beside === undefined ? ` ${unit}`.trimEnd() : " ×";
  return `${round(median)}${suffix} (${round(low)}–${round(high)})`;
}

function spreadText({ median, low, high }: Spread): string {
  return `${round(median)} (${round(low)}–${round(high)})`;
}

/** Three digits that matter. */
export function round(value: number): string {
  if (!Number.isFinite(value)) return "?";
  const digits = value === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  return value
    .toFixed(Math.min(digits, 3))
    .replace(/(\.\d*?)0+$/, "$1")
    .replace(/\.$/, "");
}
