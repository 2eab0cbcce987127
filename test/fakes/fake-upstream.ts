import type { HeldCredentials } from "../../src/core/credentials.js";
import { Secret } from "../../src/core/secret.js";
import { CANARY } from "../support/canaries.js";
import type { FakeClock } from "../support/fake-clock.js";

type Outcome = { readonly lifetimeMs: number } | Error;

/** Credentials that came now and live `lifetimeMs`. */
export function heldCredentials({
  now,
  lifetimeMs,
  id = "ASIA0000000000000001",
}: {
  now: number;
  lifetimeMs: number;
  id?: string;
}): HeldCredentials {
  return {
    credentials: {
      accessKeyId: id,
      secretAccessKey: new Secret(`${CANARY}/${id}`),
      sessionToken: new Secret(`${CANARY}//${id}`),
      expiration: now + lifetimeMs,
      accountId: "111111111111",
    },
    receivedAt: now,
    roleArn: "arn:aws:iam::111111111111:role/dev",
  };
}

/** An upstream that numbers what it hands out, counts calls, fails on demand and can be held open. */
export class FakeUpstream {
  calls = 0;
  lifetimeMs = 3_600_000;
  failWith: Error | undefined;
  #gate: Promise<void> | undefined;
  #open: () => void = () => undefined;
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  /** From now on calls wait until `release()`. */
  hold(): void {
    this.#gate = new Promise((resolve) => (this.#open = resolve));
  }

  release(): void {
    this.#gate = undefined;
    this.#open();
  }

  readonly retrieve = async (): Promise<HeldCredentials> => {
    const call = ++this.calls;
    const outcome: Outcome = this.failWith ?? { lifetimeMs: this.lifetimeMs };
    await this.#gate;
    if (outcome instanceof Error) throw outcome;
    const id = `ASIA${String(call).padStart(16, "0")}`;
    return heldCredentials({ now: this.#clock.now(), lifetimeMs: outcome.lifetimeMs, id });
  };
}
