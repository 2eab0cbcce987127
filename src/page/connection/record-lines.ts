import type { AuditLine } from "../../core/audit-line.js";

/** So many lines are kept: what is older is the command line's (`brokerctl audit`). */
export const KEPT_LINES = 1000;

/** Both in the order of their times, none twice; the newest are kept. */
export function mergeLines(known: readonly AuditLine[], fresh: readonly AuditLine[]): readonly AuditLine[] {
  const [first] = fresh;
  if (!first) return known;
  // What a stream brings, as a rule: each newer than all before. No thousand keys are made for it.
  if (first.time > (known.at(-1)?.time ?? "") && isOrdered(fresh)) return [...known, ...fresh].slice(-KEPT_LINES);
  const have = new Set(known.map(keyOf));
  const added = fresh.filter((line) => !have.has(keyOf(line)));
  if (added.length === 0) return known;
  return [...known, ...added].toSorted(byTime).slice(-KEPT_LINES);
}

function isOrdered(lines: readonly AuditLine[]): boolean {
  return lines.every(({ time }, index) => time >= (lines[index - 1]?.time ?? ""));
}

function byTime(a: AuditLine, b: AuditLine): number {
  return a.time < b.time ? -1 : Number(a.time > b.time);
}

/** Numbers are each log's own; the hash of the line before is no other line's. */
function keyOf({ n, prev }: AuditLine): string {
  return `${n} ${prev}`;
}
