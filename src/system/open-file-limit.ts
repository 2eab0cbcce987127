import { readFileSync } from "node:fs";
import { BrokerError } from "../core/errors.js";

/** For files, upstream calls, programs that are run, control: what clients must never use up. */
const RESERVE = 128;
/** Some clients must be answered also where the limit cannot be what it seems. */
const LEAST_CONNECTIONS = 16;
/** The reserve and 32 connections for each listener. Loading the daemon's modules alone opens about 130 files at once. */
const LEAST_FILES = 192;

/**
 * How many connections each listener of the endpoint (one for each address family) may hold, so that the daemon can still
 * open files. Node raises the soft limit to the hard one at start; undefined: the system does not tell it.
 */
export function connectionLimit(limits = readLimits()): number | undefined {
  const soft = softLimit(limits);
  return soft === undefined ? undefined : Math.max(LEAST_CONNECTIONS, Math.floor((soft - RESERVE) / 2));
}

/** Before the daemon's modules are loaded: throws `InternalError` where the limit is too low to load and serve them. */
export function refuseLowFileLimit(limits = readLimits()): void {
  const soft = softLimit(limits);
  if (soft !== undefined && soft < LEAST_FILES) throw tooFewFiles(soft);
}

/** For EMFILE where no limit can be read; `limit`: what it is, as far as that is known. */
export function tooFewFiles(limit = softLimit(readLimits()), cause?: unknown): BrokerError {
  const found = limit === undefined ? "the limit of open files is too low" : `the limit of open files is ${limit}`;
  return new BrokerError("InternalError", `${found}, and brokerd needs at least ${LEAST_FILES}`, {
    hint: "raise it where it is set: ulimit -n 1024, /etc/security/limits.conf, or LimitNOFILE= of the service that starts brokerd",
    cause,
  });
}

function softLimit(limits: string): number | undefined {
  const soft = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return soft === undefined ? undefined : Number(soft);
}

function readLimits(): string {
  try {
    return readFileSync("/proc/self/limits", "utf8");
  } catch {
    return "";
  }
}
