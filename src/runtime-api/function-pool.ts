import { Writable } from "node:stream";
import type { InvocationOutcome } from "./invocation-outcome.js";
import { Sandbox, type SandboxEvent, type SandboxOptions } from "./sandbox.js";
import { writePatiently } from "./write-patiently.js";

/** An event from outside. */
export type PooledEvent = Omit<SandboxEvent, "isKept">;

export interface PooledOutcome extends InvocationOutcome {
  /** The last 4 KiB of what was logged since the event began, as `X-Amz-Log-Result` has them. */
  readonly logTail: Buffer;
}

export interface FunctionPoolOptions extends SandboxOptions {
  /** Events at once; more are throttled. */
  readonly limit: number;
  /** Before each. */
  readonly onEvent?: () => void;
  readonly onOutcome?: (outcome: InvocationOutcome) => void;
}

/** API Invoke, X-Amz-Log-Result: "the last 4 KB of the execution log". */
const TAIL_BYTES = 4096;

interface Place {
  readonly sandbox: Sandbox;
  readonly tail: Tail;
  /** Made before a `restart`: it ends with the event that it has. */
  readonly generation: number;
}

/**
 * The sandboxes of one function, as many as it has events at once: a free one that is warm is taken before another is made,
 * the one that was used last first, as Lambda does.
 */
export class FunctionPool {
  readonly #options: FunctionPoolOptions;
  readonly #places = new Set<Place>();
  #free: readonly Place[] = [];
  #generation = 0;

  constructor(options: FunctionPoolOptions) {
    this.#options = options;
  }

  /** undefined: as many events run as may. Else as `Sandbox.invoke`. */
  async invoke(event: PooledEvent): Promise<PooledOutcome | undefined> {
    const place = this.#take();
    if (!place) return undefined;
    this.#options.onEvent?.();
    place.tail.forget();
    try {
      const outcome = await place.sandbox.invoke({ ...event, isKept: true });
      this.#options.onOutcome?.(outcome);
      return { ...outcome, logTail: place.tail.bytes() };
    } finally {
      await this.#giveBack(place);
    }
  }

  /** The next events run in new runtimes; those that run now are not disturbed. */
  async restart(): Promise<void> {
    this.#generation++;
    const free = this.#free;
    this.#free = [];
    await Promise.all(free.map((place) => this.#end(place)));
  }

  /** Ends all runtimes, with all that they started. */
  async close(): Promise<void> {
    this.#free = [];
    await Promise.all([...this.#places].map((place) => this.#end(place)));
  }

  #take(): Place | undefined {
    const free = this.#free.at(-1);
    if (free) {
      this.#free = this.#free.slice(0, -1);
      return free;
    }
    if (this.#places.size >= this.#options.limit) return undefined;
    const tail = new Tail(this.#options.logs);
    const place = { tail, sandbox: new Sandbox({ ...this.#options, logs: tail }), generation: this.#generation };
    this.#places.add(place);
    return place;
  }

  async #giveBack(place: Place): Promise<void> {
    if (place.generation === this.#generation && place.sandbox.isWarm) this.#free = [...this.#free, place];
    else await this.#end(place);
  }

  async #end(place: Place): Promise<void> {
    this.#places.delete(place);
    await place.sandbox.close();
  }
}

/** Passes on, and remembers the end. */
class Tail extends Writable {
  readonly #to: Writable;
  #kept = Buffer.alloc(0);

  constructor(to: Writable) {
    super();
    this.#to = to;
  }

  forget(): void {
    this.#kept = Buffer.alloc(0);
  }

  bytes(): Buffer {
    return this.#kept;
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#kept = Buffer.concat([this.#kept, chunk]).subarray(-TAIL_BYTES);
    void writePatiently(this.#to, chunk).then(() => done());
  }
}
