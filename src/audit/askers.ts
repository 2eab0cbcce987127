import type { Clock } from "../system/clock.js";
import type { Peer } from "../system/peer-identity.js";
import type { SocketProcess, SocketProcesses } from "../system/socket-processes.js";

export interface AskersOptions {
  readonly processes: SocketProcesses;
  readonly clock: Clock;
  /** Ours: of another user's process nothing can be read. */
  readonly uid?: number | undefined;
}

/** A look-up is a walk through /proc, up to 80 ms on a busy machine: one a second, with some saved up for a burst. */
const PER_SECOND = 1;
const BURST = 16;

type Known = SocketProcess | undefined;

/**
 * Which program asks: looked up once a connection, after the answer, and sampled, so that a client with a connection for each
 * request costs no more than others. Beyond the limit it is not looked up, and the line does not name it.
 */
export class Askers {
  readonly #options: AskersOptions;
  readonly #known = new WeakMap<Peer, Known | Promise<Known>>();
  readonly #uid: number | undefined;
  readonly #waiting = new Set<(process: Known) => void>();
  #isStopped = false;
  #left = BURST;
  #filledAt: number;

  constructor(options: AskersOptions) {
    this.#options = options;
    this.#uid = "uid" in options ? options.uid : process.getuid?.();
    this.#filledAt = options.clock.now();
  }

  /** At once where it is known, or is not to be looked up; never rejects. */
  of(peer: Peer): Known | Promise<Known> {
    if (peer.uid !== this.#uid || this.#known.has(peer) || !this.#mayLookUp) return this.#known.get(peer);
    this.#left--;
    const found = this.#lookUp(peer).then((process) => {
      this.#known.set(peer, process);
      return process;
    });
    this.#known.set(peer, found);
    return found;
  }

  /** Whether `of` would answer what it has answered, and look nothing up. */
  isStill(peer: Peer, answered: Known): boolean {
    if (this.#known.has(peer)) return this.#known.get(peer) === answered;
    return peer.uid !== this.#uid || !this.#mayLookUp;
  }

  /** A process that was named to us: no walk. Never rejects. */
  at(pid: number): Promise<Known> {
    return this.#options.processes.processAt(pid).catch(() => undefined);
  }

  /** From now on none is waited for: a brokerd that ends is not held by a walk over all processes. */
  stop(): void {
    this.#isStopped = true;
    for (const answer of this.#waiting) answer(undefined);
  }

  /** Not a race with a promise of the stop: that would keep every look-up for as long as brokerd runs. */
  #lookUp(peer: Peer): Promise<Known> {
    return new Promise((resolve) => {
      const answer = (process: Known): void => {
        this.#waiting.delete(answer);
        resolve(process);
      };
      this.#waiting.add(answer);
      this.#options.processes.processOf(peer).then(answer, () => answer(undefined));
    });
  }

  get #mayLookUp(): boolean {
    if (this.#isStopped) return false;
    const now = this.#options.clock.now();
    // Math.abs: a clock that was set back fills it as well.
    this.#left = Math.min(BURST, this.#left + (Math.abs(now - this.#filledAt) / 1000) * PER_SECOND);
    this.#filledAt = now;
    return this.#left >= 1;
  }
}
