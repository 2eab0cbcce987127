/** Tells when nothing is left to do in this process; what the listener starts then keeps it alive. */
export class EventLoopEnd {
  #listener: (() => void) | undefined;

  constructor() {
    process.on("beforeExit", () => {
      const listener = this.#listener;
      this.#listener = undefined;
      listener?.();
    });
  }

  /** Calls `listener` at the next end, in place of the one before. */
  once(listener: () => void): void {
    this.#listener = listener;
  }

  forget(): void {
    this.#listener = undefined;
  }
}
