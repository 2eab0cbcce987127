const UNIT_SECONDS: Readonly<Record<string, number>> = { d: 86_400, h: 3600, m: 60, s: 1 };

/** Whole numbers with their units, `90s`, `30m`, `8h`, `1h30m`; not all of them zero. */
export const DURATION_PATTERN = /^(?=.*[1-9])(?:\d{1,9}[dhms])+$/;

/** For error texts, after the name of the field. */
export const DURATION_RULE = "must be a duration like 90s, 30m, 8h, 2d or 1h30m, at most 366d";

/** A year, a leap year too: more is taken for a typing error. */
export const LONGEST_DURATION_SECONDS = 366 * 86_400;

/** Whole seconds, which may be more than the longest that is taken; undefined where the text is no duration. */
export function secondsOfDuration(text: string): number | undefined {
  if (!DURATION_PATTERN.test(text)) return undefined;
  const parts = [...text.matchAll(/(\d+)([dhms])/g)];
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNIT_SECONDS[unit ?? ""] ?? 0), 0);
}

/** As `secondsOfDuration` reads it, the largest units first: `90s` is `1m30s`. */
export function durationText(seconds: number): string {
  let rest = seconds;
  const parts = Object.entries(UNIT_SECONDS).map(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count === 0 ? "" : `${count}${unit}`;
  });
  return parts.join("") || "0s";
}
