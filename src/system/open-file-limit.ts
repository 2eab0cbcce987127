import { readFileSync } from "node:fs";

/** For files, upstream calls, programs that are run, control: what clients must never use up. */
const RESERVE = 128;
/** Beside a limit that is lower than the reserve somebody must still be answered. */
const LEAST = 16;

/**
 * How many connections each listener of the endpoint (one for each address family) may hold, so that the daemon can still
 * open files. Node raises the soft limit to the hard one at start; undefined: the system does not tell it.
 */
export function connectionLimit(limits = readLimits()): number | undefined {
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? undefined : Math.max(LEAST, Math.floor((Number(soft) - RESERVE) / 2));
}

function readLimits(): string {
  try {
    return readFileSync("/proc/self/limits", "utf8");
  } catch {
    return "";
  }
}
