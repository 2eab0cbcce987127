import { isAbsolute, resolve } from "node:path";
import { DURATION_RULE, LONGEST_DURATION_SECONDS, secondsOfDuration } from "../../core/duration.js";
import { BrokerError } from "../../core/errors.js";
import type { CliContext } from "../context.js";

/** A path as typed, absolute. Only one that is relative needs the current directory, which may have been removed. */
export function absolutePath(path: string, { cwd }: Pick<CliContext, "cwd">): string {
  return isAbsolute(path) ? path : resolve(cwd(), path);
}

/** Whole seconds of `30m`, `8h`, `90s`, `1h30m`. `flag` is named in the error. */
export function parseDuration(text: string, flag: string): number {
  const seconds = secondsOfDuration(text);
  if (seconds !== undefined && seconds <= LONGEST_DURATION_SECONDS) return seconds;
  throw new BrokerError("UsageInvalid", `${flag} ${DURATION_RULE}, not '${text}'`, {
    hint: hintFor(text, flag, seconds),
  });
}

function hintFor(text: string, flag: string, seconds: number | undefined): string {
  if (seconds !== undefined) return `${flag} 366d, or leave it out for no end`;
  // A bare number could be seconds, minutes or hours; which was meant is not known.
  return /^\d+$/.test(text) && Number(text) > 0
    ? `${flag} ${text}m (or ${text}s, ${text}h)`
    : `${flag} 30m (or 90s, 8h, 1h30m)`;
}

/** Of `--pid`: a process that a lease may end with. `hint` is the command with one. */
export function parsePid(text: string, hint: string): number {
  const pid = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (pid > 1) return pid;
  throw new BrokerError("UsageInvalid", `--pid must be the number of a process, not '${text}'`, { hint });
}
