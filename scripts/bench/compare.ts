import type { Spread, Verdict } from "./measure.js";
import { machineLine, type Report, round } from "./report.js";

/** Figures of which more is better. */
const MORE_IS_BETTER = "requests/s";

/** Every verdict that both runs have: better, worse or the same. Two are the same where their quartiles overlap. */
export function compareText(old: Report, now: Report): string {
  const before = new Map(
    old.rows.flatMap(({ id, verdicts }) => verdicts.map((verdict) => [keyOf(id, verdict), verdict] as const)),
  );
  const lines = now.rows.flatMap(({ id, verdicts }) =>
    verdicts.flatMap((verdict) => {
      const key = keyOf(id, verdict);
      const former = before.get(key);
      return former
        ? [`${key.padEnd(56)} ${spread(former.got)} → ${spread(verdict.got)}  ${change(former, verdict)}`]
        : [];
    }),
  );
  if (lines.length === 0) return "the two runs have no row in common\n";
  return [`before: ${machineLine(old.machine)}`, `now:    ${machineLine(now.machine)}`, ...lines, ""].join("\n");
}

function keyOf(id: string, { of, figure, beside }: Verdict): string {
  return `${id}: ${of} ${figure}${beside === undefined ? "" : ` / ${beside}`}`;
}

function change({ got: before, figure }: Verdict, { got: now }: Verdict): string {
  if (now.low <= before.high && before.low <= now.high) return "same";
  const isMore = now.median > before.median;
  const percent = Math.round(100 * Math.abs(now.median / before.median - 1));
  return `${isMore === figure.includes(MORE_IS_BETTER) ? "better" : "WORSE"} by ${percent} %`;
}

function spread({ median, low, high }: Spread): string {
  return `${round(median)} (${round(low)}–${round(high)})`;
}
