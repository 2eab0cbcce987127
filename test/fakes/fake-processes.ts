import type { LeaseHolder } from "../../src/core/lease.js";
import type { ProcessTable } from "../../src/system/process-identity.js";

/** Processes that start and end when told; a pid can be used again. */
export class FakeProcesses implements ProcessTable {
  readonly #running = new Map<number, string>();
  /** How often a process was looked up. */
  lookups = 0;
  #starts = 0;

  start(pid: number): LeaseHolder {
    const startTime = `start-${++this.#starts}`;
    this.#running.set(pid, startTime);
    return { pid, startTime };
  }

  end(pid: number): void {
    this.#running.delete(pid);
  }

  startTimeOf(pid: number): string | undefined {
    this.lookups++;
    return this.#running.get(pid);
  }
}
