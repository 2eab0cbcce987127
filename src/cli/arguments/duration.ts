import { BrokerError } from "../../core/errors.js";

const UNIT_SECONDS: Readonly<Record<string, number>> = { d: 86_400, h: 3600, m: 60, s: 1 };
const DURATION_PATTERN = /^(?:\d{1,6}[dhms])+$/;

/** What the daemon takes: more is a slip of the keyboard. */
const MAX_DAYS = 366;

/** `30m`, `8h`, `90s`, `1h30m` in whole seconds, more than none. `flag` is named in the error. */
export function parseDuration(text: string, flag: string): number {
  const seconds = DURATION_PATTERN.test(text)
    ? [...text.matchAll(/(\d+)([dhms])/g)].reduce(
        (sum, [, n, unit]) => sum + Number(n) * (UNIT_SECONDS[unit ?? ""] ?? 0),
        0,
      )
    : 0;
  if (seconds > MAX_DAYS * 86_400) {
    throw new BrokerError("UsageInvalid", `${flag} must be at most ${MAX_DAYS} days, not '${text}'`, {
      hint: `${flag} ${MAX_DAYS}d, or leave it out for no end`,
    });
  }
  if (seconds > 0) return seconds;
  throw new BrokerError("UsageInvalid", `${flag} must be a duration longer than nothing, not '${text}'`, {
    hint: /^\d+$/.test(text) && Number(text) > 0 ? `${flag} ${text}s` : `${flag} 30m (or 90s, 8h, 1h30m)`,
  });
}
