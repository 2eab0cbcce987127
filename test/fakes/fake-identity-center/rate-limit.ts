import type { Settings } from "./settings.js";

const WINDOW_MS = 1000;

/** So many calls within any second. */
export class RateLimit {
  readonly #settings: Settings;
  #times: number[] = [];

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  /** False: this call is one too many. Refused calls do not count. */
  admits(now: number): boolean {
    this.#times = this.#times.filter((time) => now - time < WINDOW_MS);
    if (this.#times.length >= this.#settings.callsPerSecond) return false;
    this.#times.push(now);
    return true;
  }
}
