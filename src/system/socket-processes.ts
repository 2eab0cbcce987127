import { readdir, readFile, readlink } from "node:fs/promises";
import { basename } from "node:path";
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

export class ProcSocketProcesses implements SocketProcesses {
  readonly #clock: Clock;
  readonly #processes: ProcessTable;
  /** By inode, the last asked for last. */
  readonly #known = new Map<number, Promise<SocketProcess | undefined>>();
  readonly #waiting = new Map<number, (found: SocketProcess | undefined) => void>();
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
    for await (const { inode, pid } of holdersOf(wanted.keys())) wanted.get(inode)?.(await this.processAt(pid));
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

/** The processes that have the sockets open, as they are found; only those whose descriptors we may read. */
export async function* holdersOf(
  inodes: Iterable<number>,
): AsyncGenerator<{ readonly inode: number; readonly pid: number }> {
  const left = new Map([...inodes].map((inode) => [`socket:[${inode}]`, inode]));
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const directory = `/proc/${pid}/fd`;
    for (const descriptor of await readdir(directory).catch(() => [])) {
      const socket = await readlink(`${directory}/${descriptor}`).catch(() => "");
      const inode = left.get(socket);
      if (inode === undefined) continue;
      left.delete(socket);
      yield { inode, pid: Number(pid) };
      if (left.size === 0) return;
    }
  }
}
