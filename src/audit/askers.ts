import type { Clock } from "../system/clock.js";
import type { ClientConnection } from "./audit-event.js";

/** The program at the other end of a connection, as far as the system tells. */
export interface Asker {
  readonly uid?: number | undefined;
  readonly pid?: number | undefined;
  /** The path of its executable. */
  readonly program?: string | undefined;
  readonly cwd?: string | undefined;
}

/** What the system is asked; each costs milliseconds. undefined: it does not tell. */
export interface AskerLookUp {
  ofConnection(connection: ClientConnection): Promise<Asker | undefined>;
  ofProcess(pid: number): Promise<Asker | undefined>;
}

export interface AskersOptions {
  readonly lookUp: AskerLookUp;
  readonly clock: Clock;
}

/** A walk through /proc takes up to 80 ms on a busy machine (threat-model §0.2): so many a second, and saved up for a burst. */
const PER_SECOND = 8;
const BURST = 16;

/**
 * Who asks, looked up once a connection and after the answer; sampled, so that a client that opens a connection for every
 * request costs no more than others: beyond the limit it is not looked up, and the line says nothing about it.
 */
export class Askers {
  readonly #options: AskersOptions;
  readonly #known = new WeakMap<ClientConnection, Asker | Promise<Asker | undefined> | undefined>();
  #left = BURST;
  #filledAt: number;

  constructor(options: AskersOptions) {
    this.#options = options;
    this.#filledAt = options.clock.now();
  }

  /** At once where the connection is known, or is not to be looked up; never rejects. */
  ofConnection(connection: ClientConnection): Asker | undefined | Promise<Asker | undefined> {
    if (this.#known.has(connection) || !this.#mayLookUp()) return this.#known.get(connection);
    const found = this.#options.lookUp
      .ofConnection(connection)
      .catch(() => undefined)
      .then((asker) => {
        this.#known.set(connection, asker);
        return asker;
      });
    this.#known.set(connection, found);
    return found;
  }

  /** As above. */
  ofProcess(pid: number): Asker | undefined | Promise<Asker | undefined> {
    return this.#mayLookUp() ? this.#options.lookUp.ofProcess(pid).catch(() => undefined) : undefined;
  }

  #mayLookUp(): boolean {
    const now = this.#options.clock.now();
    // Math.abs: a clock that was set back fills as well.
    this.#left = Math.min(BURST, this.#left + (Math.abs(now - this.#filledAt) / 1000) * PER_SECOND);
    this.#filledAt = now;
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
