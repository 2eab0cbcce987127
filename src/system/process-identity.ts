import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { uptime } from "node:os";
import { hasErrno, reasonOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";

/** Tells processes apart although pids are reused. */
export interface ProcessTable {
  /**
   * An opaque text, equal as long as `pid` is the same process; undefined: no such process, or a zombie.
   * Throws `InternalError` when the system cannot say (no file descriptors left, say): that is not "no such process".
   */
  startTimeOf(pid: number): string | undefined;
}

export class SystemProcessTable implements ProcessTable {
  readonly #platform: NodeJS.Platform;

  constructor(platform: NodeJS.Platform = process.platform) {
    this.#platform = platform;
  }

  startTimeOf(pid: number): string | undefined {
    if (!Number.isSafeInteger(pid) || pid <= 0) return undefined;
    return this.#platform === "linux" ? startTimeFromProc(pid) : startTimeFromPs(pid);
  }
}

/** proc(5): state is field 3, starttime (clock ticks since boot) field 22 of /proc/PID/stat. */
const STATE_FIELD = 3;
const START_TIME_FIELD = 22;

function startTimeFromProc(pid: number): string | undefined {
  const fields = readUnlessGone(`/proc/${pid}/stat`);
  if (fields === undefined) return undefined;
  // The program's name, field 2, stands in parentheses and may hold spaces and parentheses itself.
  const rest = fields.slice(fields.lastIndexOf(")") + 2).split(" ");
  const startTime = rest[START_TIME_FIELD - 3];
  if (startTime === undefined || isOver(rest[STATE_FIELD - 3])) return undefined;
  // Ticks count from the boot: without its id a process of the last boot could look like one of this.
  return `${readUnlessGone("/proc/sys/kernel/random/boot_id")?.trim() ?? ""}:${startTime}`;
}

function readUnlessGone(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ESRCH")) return undefined; // ESRCH: it ended between open and read
    throw new BrokerError("InternalError", `cannot read ${path}: ${reasonOf(error)}`, { cause: error });
  }
}

function startTimeFromPs(pid: number): string | undefined {
  const [state, ...startTime] = psLine(pid).split(/\s+/);
  return startTime.length === 0 || isOver(state) ? undefined : startTime.join(" ");
}

function psLine(pid: number): string {
  try {
    const output = execFileSync("/bin/ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
      encoding: "utf8",
      env: { LC_ALL: "C", TZ: "UTC" },
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 5_000,
    });
    return output.trim();
  } catch (error) {
    if (error instanceof Error && "status" in error && error.status === 1) return ""; // no such process
    throw new BrokerError("InternalError", `cannot ask ps for process ${pid}: ${reasonOf(error)}`, { cause: error });
  }
}

/** A zombie has ended, though its parent has not asked yet. */
function isOver(state: string | undefined): boolean {
  return state === undefined || /^[ZX]/i.test(state);
}

/** proc(5): a tick is 10 ms on every Linux that Node runs on; uptime is told in hundredths as well. */
const TICK_MS = 10;
/** Node itself is up this soon after the fork, also on a machine that is busy; anything else means two different clocks. */
const MAX_BOOT_OF_NODE_MS = 120_000;

/** Between two looks at the clock: more means that others ran meanwhile, and what was read between fits neither. */
const MAX_READING_MS = 3;
const READINGS = 20;

/**
 * When this process began, by the clock `now` (epoch milliseconds), never too early and at most some 20 ms too late: at its
 * fork where Linux tells it, else when Node was up.
 */
export function startOfThisProcess(now: () => number): number {
  for (let reading = 1; ; reading++) {
    const before = now();
    const ageMs = ageOfThisProcessMs();
    const after = now();
    if (after - before <= MAX_READING_MS || reading === READINGS) return after - ageMs;
  }
}

function ageOfThisProcessMs(): number {
  const sinceNode = performance.now();
  const sinceFork = ageFromProc();
  const isPlausible = sinceFork >= sinceNode - 2 * TICK_MS && sinceFork - sinceNode < MAX_BOOT_OF_NODE_MS;
  return isPlausible ? sinceFork : sinceNode; // a container may show an uptime of its own
}

function ageFromProc(): number {
  try {
    const ticks = Number(startTimeFromProc(process.pid)?.split(":").at(-1));
    return uptime() * 1000 - (ticks + 1) * TICK_MS;
  } catch {
    return Number.NaN; // not Linux
  }
}
