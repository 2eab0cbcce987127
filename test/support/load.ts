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
  return pids.reduce((sum, pid) => sum + ofThreads(pid, 1), 0);
}

/** How long the threads of this process have run so far, milliseconds of processor time: in finer steps than `ps` knows. Linux only, else 0. */
export function ranMs(pid: number): number {
  return ofThreads(pid, 0);
}

/** Milliseconds, summed over the threads that live: number `at` of the kernel's `schedstat`, of time on a processor and in line for one. */
function ofThreads(pid: number, at: 0 | 1): number {
  const files = threadsOf(pid).map((thread) => `/proc/${pid}/task/${thread}/schedstat`);
  return files.reduce((sum, file) => sum + nanoseconds(file, at), 0) / 1e6;
}

function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // it has ended
  }
}

function nanoseconds(file: string, at: 0 | 1): number {
  try {
    return Number(readFileSync(file, "latin1").split(" ")[at]);
  } catch {
    return 0; // the thread has ended
  }
}
