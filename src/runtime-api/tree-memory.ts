import { readdirSync, readFileSync } from "node:fs";

const KIBIBYTE = 1024;

/**
 * How much memory a process and all that it started have held at most, as far as samples saw it. A process that lived
 * and died between two samples is missed; of those seen together the peaks are added up, pages they share included.
 */
export class TreeMemory {
  readonly #pid: number;
  #maxBytes: number | undefined;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** undefined: the system does not say. Only Linux does. */
  get maxBytes(): number | undefined {
    return this.#maxBytes;
  }

  sample(): void {
    const peaks = [...treeOf(this.#pid)].map(peakBytes).filter((bytes) => bytes !== undefined);
    if (peaks.length === 0) return;
    const bytes = peaks.reduce((sum, peak) => sum + peak);
    this.#maxBytes = Math.max(this.#maxBytes ?? 0, bytes);
  }
}

function* treeOf(pid: number): Generator<number> {
  yield pid;
  for (const child of childrenOf(pid)) yield* treeOf(child);
}

/** proc(5): each thread lists the processes that it started. */
function childrenOf(pid: number): readonly number[] {
  const threads = readOr(() => readdirSync(`/proc/${pid}/task`), []);
  const lists = threads.map((thread) =>
    readOr(() => readFileSync(`/proc/${pid}/task/${thread}/children`, "latin1"), ""),
  );
  return lists.flatMap((list) => list.split(" ").filter(Boolean).map(Number));
}

/** proc(5), VmHWM: "peak resident set size". A process that is ending has none. */
function peakBytes(pid: number): number | undefined {
  const status = readOr(() => readFileSync(`/proc/${pid}/status`, "latin1"), "");
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * KIBIBYTE;
}

/** A process may end between any two looks at it: what cannot be read is not there. */
function readOr<T>(read: () => T, absent: T): T {
  try {
    return read();
  } catch {
    return absent;
  }
}
