import { readFileSync } from "node:fs";
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
