import type { Clock } from "../../system/clock.js";
import { columnsOf, type TextStream } from "./screen.js";

/** What is faster needs no word. */
const PATIENCE_MS = 1000;
const CLEAR_LINE = "\r\u001b[K";

interface Waited {
  readonly what: string;
  readonly since: number;
}

export interface ProgressOptions {
  readonly stderr: TextStream;
  readonly clock: Clock;
  /** A person watches: a terminal, and not `--json`. */
  readonly enabled: boolean;
}

/** One line on stderr that says what has been waited for longer than a second; gone before anything else is written there. */
export class Progress {
  readonly #options: ProgressOptions;
  readonly #waited = new Set<Waited>();
  #enabled: boolean;
  #shown = false;
  #cancel: (() => void) | undefined;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.#enabled = options.enabled;
  }

  /** `what`: as in `asking AWS`. */
  async during<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (!this.#enabled) return work();
    const waited = { what, since: this.#options.clock.now() };
    this.#waited.add(waited);
    this.#cancel ??= this.#options.clock.after(PATIENCE_MS, () => this.#draw());
    try {
      return await work();
    } finally {
      this.#waited.delete(waited);
      if (this.#waited.size === 0) this.#rest();
    }
  }

  /** Before anything else is written to the terminal; the line comes back if the wait goes on. */
  clear(): void {
    if (this.#shown) this.#options.stderr.write(CLEAR_LINE);
    this.#shown = false;
  }

  /** The terminal belongs to another program from now on. */
  end(): void {
    this.#rest();
    this.#enabled = false;
  }

  #rest(): void {
    this.clear();
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #draw(): void {
    const { stderr, clock } = this.#options;
    const [oldest] = this.#waited;
    if (oldest === undefined || !this.#enabled) return;
    const seconds = Math.floor((clock.now() - oldest.since) / 1000);
    const text = seconds < 1 ? oldest.what : `${oldest.what} … ${seconds} s`;
    stderr.write(CLEAR_LINE + cutShort(`brokerctl: ${text}`, columnsOf(stderr) - 1));
    this.#shown = true;
    this.#cancel = clock.after(PATIENCE_MS, () => this.#draw());
  }
}

/** Every command loads this file: what is not ASCII counts as wide, without the tables that know better. */
function cutShort(text: string, columns: number): string {
  let width = 0;
  let cut = "";
  for (const character of text) {
    width += character < "\u0080" ? 1 : 2;
    if (width > columns) return `${cut.slice(0, -1)}…`;
    cut += character;
  }
  return text;
}
