import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";

/** A promised limit of time; on a machine that is busy with something else too, as much more as it is overcommitted. */
export function scaledByLoad(milliseconds: number): number {
  const wanted = Math.max(loadavg()[0] ?? 0, runningNow());
  return Math.round(milliseconds * Math.max(1, wanted / availableParallelism()));
}

/** What wants a processor at this moment: the load of a minute follows a burst too late. Linux only, else 0. */
function runningNow(): number {
  try {
    return Number(/ (\d+)\/\d+ /.exec(readFileSync("/proc/loadavg", "latin1"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/**
 * For how long the threads of these processes have stood in line for a processor since they began, milliseconds: what other programs
 * took of a wait, and no program can do anything about. Linux only, else 0.
 */
export function stoodInLineMs(pids: readonly number[]): number {
  const files = pids.flatMap((pid) => threadsOf(pid).map((thread) => `/proc/${pid}/task/${thread}/schedstat`));
  return files.reduce((sum, file) => sum + nanosecondsInLine(file), 0) / 1e6;
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // it has ended
  }
}

/** The second number of the kernel's `schedstat`, after the time on a processor. */
function nanosecondsInLine(file: string): number {
  try {
    return Number(readFileSync(file, "latin1").split(" ")[1]);
  } catch {
    return 0; // the thread has ended
  }
}
