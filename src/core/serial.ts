/** Runs tasks one at a time, in the order in which they came, each after the one before settled, however it did. */
export class Mutex {
  #last: Promise<unknown> = Promise.resolve();

  /** Settles as `task` does. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Resolves when what was asked for until now has settled. */
  async settled(): Promise<void> {
    await this.#last;
  }
}

/** A mutex a key: tasks of one key run one at a time, in order; those of different keys do not wait for each other. */
export class KeyedMutex {
  readonly #locks = new Map<string, { readonly mutex: Mutex; users: number }>();

  /** Keys that have a task running or waiting. */
  get size(): number {
    return this.#locks.size;
  }

  /** Settles as `task` does. */
  async run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const lock = this.#locks.get(key) ?? { mutex: new Mutex(), users: 0 };
    this.#locks.set(key, lock);
    lock.users++;
    try {
      return await lock.mutex.run(task);
    } finally {
      if (--lock.users === 0) this.#locks.delete(key);
    }
  }
}

/** Runs at most `limit` tasks at a time, the others after them in the order in which they came. */
export class ConcurrencyLimit {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Starts `task` before it returns where the limit allows it; settles as `task` does. */
  async run<T>(task: () => Promise<T>): Promise<T> {
    // A waiting task is handed the place of one that ended, so a task that comes meanwhile cannot take it.
    if (this.#running >= this.#limit) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
