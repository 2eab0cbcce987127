/**
 * What can be wrong with an action, until it is cleared or `times` calls have met it.
 * unavailable: 503 without AWS's format. failing: AWS's own 500. deny: AccessDenied. throttle: 400 Throttling.
 * slow: the right answer, late. drop: the connection ends without an answer. reset: it ends in the middle of one.
 * echo: a refusal that quotes the request's secrets. portal: 403 with HTML. lie: a wrong answer with status 200.
 */
export type Fault = (
  | { readonly kind: "unavailable" | "failing" | "deny" | "drop" | "reset" | "echo" | "portal" }
  | { readonly kind: "throttle"; readonly retryAfterSeconds?: number; readonly retryAt?: Date }
  | { readonly kind: "slow"; readonly milliseconds: number }
  | { readonly kind: "refuse"; readonly code: string; readonly message: string; readonly status?: number }
  | { readonly kind: "lie"; readonly lie: Lie }
) & { readonly times?: number };

export type Lie =
  | "no-expiration"
  | "garbled-expiration"
  | "expired"
  | "far-future"
  | "no-secret"
  | "empty-token"
  | "other-account"
  | "other-role"
  | "no-arn"
  | "html"
  | "json"
  | "empty"
  | "truncated";

/** Requests that wait until they are released; then they get their answer as if they had just come. */
export class Hold {
  #waiting = 0;
  readonly #released: Promise<void>;
  #release: () => void = () => undefined;
  readonly #watchers = new Set<() => void>();

  constructor() {
    this.#released = new Promise((resolve) => {
      this.#release = resolve;
    });
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Resolves once so many requests wait. */
  arrived(count = 1): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#waiting < count) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  release(): void {
    this.#release();
  }

  async join(): Promise<void> {
    this.#waiting++;
    for (const look of [...this.#watchers]) look();
    await this.#released;
    this.#waiting--;
  }
}

/** By action (`AssumeRole`) or `*` for all; settable at run time. Other fakes have kinds of fault of their own. */
export class Faults<F extends { readonly times?: number } = Fault> {
  readonly #faults = new Map<string, { readonly fault: F; left: number }>();
  readonly #holds = new Map<string, Hold>();

  set(action: string, fault: F): void {
    this.#faults.set(action, { fault, left: fault.times ?? Number.POSITIVE_INFINITY });
  }

  /** Holds requests of this action until released. */
  hold(action: string): Hold {
    const hold = new Hold();
    this.#holds.set(action, hold);
    return hold;
  }

  /** Without an action everything is cleared, and what was held goes on. */
  clear(action?: string): void {
    for (const name of action === undefined ? [...this.#faults.keys(), ...this.#holds.keys()] : [action]) {
      this.#faults.delete(name);
      this.#holds.get(name)?.release();
      this.#holds.delete(name);
    }
  }

  /** For the server: waits where it must, and says what is to go wrong. */
  async meet(action: string): Promise<F | undefined> {
    await (this.#holds.get(action) ?? this.#holds.get("*"))?.join();
    const entry = this.#faults.get(action) ?? this.#faults.get("*");
    if (!entry || entry.left <= 0) return undefined;
    entry.left--;
    return entry.fault;
  }
}
