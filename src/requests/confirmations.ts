import { randomBytes } from "node:crypto";
import type { Clock } from "../system/clock.js";

/** What a yes was said to: nothing else gets the role by it. */
export interface Confirmed {
  readonly role: string;
  /** Of the role as it was shown (core/guard). */
  readonly digest: string;
  /** A lease by its id, `new` for one that is to be made, or a request by its id. */
  readonly target: string;
  /** When what is given by it ends, epoch milliseconds. */
  readonly until: number;
}

/** Between the yes and the command's next call lies no more than a fetch of credentials. */
const GOOD_FOR_MS = 5 * 60_000;
const MAX_KEPT = 200;

/**
 * The yeses that were said just now, each known to the command that asked: in memory, for some minutes. What a lease was
 * given by one is kept with the lease.
 */
export class Confirmations {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Confirmed & { readonly saidAt: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A text that proves it: 256 random bits. */
  keep(confirmed: Confirmed): string {
    const text = randomBytes(32).toString("base64url");
    this.#kept.set(text, { ...confirmed, saidAt: this.#clock.now() });
    if (this.#kept.size > MAX_KEPT) this.#kept.delete(this.#kept.keys().next().value ?? "");
    return text;
  }

  /** undefined: none that is good for this, now. */
  find(text: string | undefined, wanted: Omit<Confirmed, "until">): Confirmed | undefined {
    const found = text === undefined ? undefined : this.#kept.get(text);
    const now = this.#clock.now();
    if (!found || now >= found.until || Math.abs(now - found.saidAt) >= GOOD_FOR_MS) return undefined;
    const fits = found.role === wanted.role && found.digest === wanted.digest && found.target === wanted.target;
    return fits ? found : undefined;
  }
}
