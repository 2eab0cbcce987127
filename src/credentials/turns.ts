/** Runs at most `limit` actions at a time, the others after them in the order in which they came. */
export class Turns {
  readonly #limit: number;
  readonly #waiting: (() => Promise<unknown>)[] = [];
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Starts `action` at once where there is room. Failures are the action's own business. */
  take(action: () => Promise<unknown>): void {
    if (this.#running >= this.#limit) this.#waiting.push(action);
    else void this.#run(action);
  }

  async #run(action: () => Promise<unknown>): Promise<void> {
    this.#running++;
    await action().catch(() => undefined);
    this.#running--;
    const next = this.#waiting.shift();
    if (next) void this.#run(next);
  }
}
