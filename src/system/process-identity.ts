/** Tells processes apart although pids are reused. */
export interface ProcessTable {
  /** An opaque text, equal as long as `pid` is the same process; undefined: no such process. */
  startTimeOf(pid: number): string | undefined;
}
