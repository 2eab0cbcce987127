import { readdirSync, readlinkSync } from "node:fs";
import { readdir, readFile, readlink } from "node:fs/promises";
import { basename } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { visibleText } from "../core/visible-text.js";
import type { Cancel, Clock } from "./clock.js";
import type { Peer } from "./peer-identity.js";
import type { ProcessTable } from "./process-identity.js";

export interface SocketProcess {
  readonly pid: number;
  /** The executable's name, and what the process calls itself where that says more: `aws (python3.11)`. */
  readonly program: string;
  readonly cwd: string;
}

/** Finds the process behind a socket. */
export interface SocketProcesses {
  /**
   * undefined: it has ended, or the system does not say (macOS; the processes outside brokerd's user namespace, where the
   * hardened unit gives it one). Costs a walk over all processes, of which there is one at a time and four a second, for all
   * who wait: to be asked after a client has its answer, and not for every request.
   */
  processOf(peer: Pick<Peer, "inode">): Promise<SocketProcess | undefined>;
  /** A process that is known by its pid; undefined as above. Cheap. */
  processAt(pid: number): Promise<SocketProcess | undefined>;
}

const WALK_INTERVAL_MS = 250;
const MAX_KNOWN = 2000;
const MAX_WAITING = 2000;
/** Processes that asked lately are looked at first: a program that runs on makes another connection. */
const MAX_LATELY = 20;

export class ProcSocketProcesses implements SocketProcesses {
  readonly #clock: Clock;
  readonly #processes: ProcessTable;
  /** By inode, the last asked for last. */
  readonly #known = new Map<number, Promise<SocketProcess | undefined>>();
  readonly #waiting = new Map<number, (found: SocketProcess | undefined) => void>();
  /** The processes that were found, the last one first. */
  #lately: readonly number[] = [];
  #pause: Cancel | undefined;
  #isWalking = false;

  constructor({ clock, processes }: { readonly clock: Clock; readonly processes: ProcessTable }) {
    this.#clock = clock;
    this.#processes = processes;
  }

  processOf({ inode }: Pick<Peer, "inode">): Promise<SocketProcess | undefined> {
    const known = this.#known.get(inode);
    if (known || this.#waiting.size >= MAX_WAITING) return known ?? Promise.resolve(undefined);
    const asked = new Promise<SocketProcess | undefined>((resolve) => this.#waiting.set(inode, resolve));
    this.#known.set(inode, asked);
    for (const [oldest] of this.#known) {
      if (this.#known.size <= MAX_KNOWN) break;
      this.#known.delete(oldest);
    }
    this.#walkIfDue();
    return asked;
  }

  #walkIfDue(): void {
    if (this.#isWalking || this.#pause || this.#waiting.size === 0) return;
    this.#isWalking = true;
    const wanted = new Map(this.#waiting);
    this.#waiting.clear();
    void this.#walk(wanted)
      .catch(() => undefined)
      .then(() => {
        for (const answer of wanted.values()) answer(undefined); // who was not found
        this.#isWalking = false;
        this.#pause = this.#clock.after(WALK_INTERVAL_MS, () => {
          this.#pause = undefined;
          this.#walkIfDue();
        });
      });
  }

  async #walk(wanted: ReadonlyMap<number, (found: SocketProcess | undefined) => void>): Promise<void> {
    // Told at once: a process may end while the others are looked at.
    for await (const { inode, pid } of holdersOf(wanted.keys(), this.#lately)) {
      this.#lately = [pid, ...this.#lately.filter((other) => other !== pid)].slice(0, MAX_LATELY);
      wanted.get(inode)?.(await this.processAt(pid));
    }
  }

  /** A pid may be another process's meanwhile: what is read between two equal start times is of one process. */
  async processAt(pid: number): Promise<SocketProcess | undefined> {
    try {
      const startTime = this.#processes.startTimeOf(pid);
      const [cwd, program] = await Promise.all([readlink(`/proc/${pid}/cwd`), programOf(pid)]);
      if (startTime === undefined || this.#processes.startTimeOf(pid) !== startTime) return undefined;
      return { pid, program, cwd };
    } catch {
      return undefined; // it has ended, or is not ours to read
    }
  }
}

/** Node and others name their first thread, which is what `comm` tells, for themselves. */
const SAYS_NOTHING = "MainThread";

async function programOf(pid: number): Promise<string> {
  const [exe, comm] = await Promise.all([readlink(`/proc/${pid}/exe`), readFile(`/proc/${pid}/comm`, "utf8")]);
  const executable = basename(exe).replace(/ \(deleted\)$/, "");
  const name = visibleText(comm.trim()); // 15 bytes at most, and the process's to choose
  return name === SAYS_NOTHING || executable.startsWith(name) ? executable : `${name} (${executable})`;
}

/** Links that are read before other work has its turn: each takes some microseconds, and much more by a promise of its own. */
const LINKS_A_TURN = 250;

/**
 * The processes that have the sockets open, as they are found; only those whose descriptors we may read. Looks at `first`, then
 * at the youngest: who has just connected has mostly just been started, and is found before all that runs for days is read.
 */
export async function* holdersOf(
  inodes: Iterable<number>,
  first: readonly number[] = [],
): AsyncGenerator<{ readonly inode: number; readonly pid: number }> {
  const left = new Map([...inodes].map((inode) => [`socket:[${inode}]`, inode]));
  let links = 0;
  for (const pid of new Set([...first, ...(await youngestFirst())])) {
    const directory = `/proc/${pid}/fd`;
    for (const descriptor of entriesOf(directory)) {
      if (++links % LINKS_A_TURN === 0) await nextTurn();
      const socket = targetOf(`${directory}/${descriptor}`);
      const inode = left.get(socket);
      if (inode === undefined) continue;
      left.delete(socket);
      yield { inode, pid };
      if (left.size === 0) return;
    }
  }
}

async function youngestFirst(): Promise<readonly number[]> {
  const pids = (await readdir("/proc")).map(Number).filter((pid) => Number.isInteger(pid));
  return pids.toSorted((a, b) => b - a);
}

function entriesOf(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // it has ended, or is not ours to read
  }
}

function targetOf(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return ""; // closed meanwhile
  }
}
