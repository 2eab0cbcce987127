import type { Clock } from "../system/clock.js";

const HOUR_MS = 60 * 60_000;
/** Of one who asks. */
const MOST_AN_HOUR = 10;
/** Of all together: who asks with ever new leases tires the same person. */
const MOST_OF_ALL = 40;
/** After a no. */
const COOL_DOWN_MS = 60_000;

/** How often a person may be asked: a question that comes again and again is answered yes some day. */
export class AskLimits {
  readonly #clock: Clock;
  #asked: readonly { readonly asker: string; readonly at: number }[] = [];
  readonly #denied = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Why this asker may not ask now, for people; undefined: it may. */
  problem(asker: string): string | undefined {
    const now = this.#clock.now();
    const deniedAt = this.#denied.get(asker);
    // Math.abs, here and below: a clock that was set back must not make the wait as long as the jump.
    const waited = deniedAt === undefined ? COOL_DOWN_MS : Math.abs(now - deniedAt);
    if (waited < COOL_DOWN_MS) return `the answer was no: ask again in ${Math.ceil((COOL_DOWN_MS - waited) / 1000)} s`;
    this.#asked = this.#asked.filter(({ at }) => Math.abs(now - at) < HOUR_MS);
    const own = this.#asked.filter((one) => one.asker === asker).length;
    if (own >= MOST_AN_HOUR) return `it has asked ${own} times within the hour`;
    return this.#asked.length >= MOST_OF_ALL ? `${this.#asked.length} questions were asked within the hour` : undefined;
  }

  note(asker: string): void {
    this.#asked = [...this.#asked, { asker, at: this.#clock.now() }];
  }

  /** A yes ends the wait, too. */
  answered(asker: string, isYes: boolean): void {
    if (isYes) this.#denied.delete(asker);
    else this.#denied.set(asker, this.#clock.now());
    if (this.#denied.size > MAX_KEPT) this.#denied.delete(this.#denied.keys().next().value ?? "");
  }
}

const MAX_KEPT = 1000;
