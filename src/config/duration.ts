const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const LONGEST_MS = 365 * UNIT_MS.d;

/** A whole number and its unit: `90s`, `30m`, `8h`, `2d`. */
export const DURATION_PATTERN = /^([1-9]\d{0,8})([smhd])$/;

/** Milliseconds of a duration as the config writes it; undefined where it is none, or longer than a year. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit] = DURATION_PATTERN.exec(text) ?? [];
  if (amount === undefined || unit === undefined) return undefined;
  const duration = Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
  return duration <= LONGEST_MS ? duration : undefined;
}
