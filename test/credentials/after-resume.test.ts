import { beforeEach, describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import { ConcurrencyLimit } from "../../src/core/serial.js";
import { CachedProvider } from "../../src/credentials/cached-provider.js";
import { FakeUpstream, heldCredentials } from "../fakes/fake-upstream.js";
import { FakeClock, settle } from "../support/fake-clock.js";
import { memoryLogger } from "../support/memory-logger.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const NIGHT = 12 * HOUR;
const unreachable = new BrokerError("AwsUnreachable", "no route to sts");
const denied = new BrokerError("AssumeRoleDenied", "not allowed");

let clock: FakeClock;
let upstream: FakeUpstream;
let provider: CachedProvider;

beforeEach(() => {
  clock = new FakeClock();
  upstream = new FakeUpstream(clock);
  provider = providerOf(upstream);
});

function providerOf({ retrieve }: FakeUpstream): CachedProvider {
  return new CachedProvider({
    ...{ role: "dev", retrieveUpstream: retrieve, clock, logger: memoryLogger(), random: () => 0 },
    ...{ renewals: new ConcurrencyLimit(10), onChange: () => undefined },
  });
}

const outcome = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "ok",
    (error: unknown) => (error instanceof BrokerError ? error.code : String(error)),
  );

/** What a client gets that waits for as long as it may; null: nothing yet. */
async function answered(asked: Promise<string>): Promise<string | null> {
  await settle();
  return Promise.race([asked, Promise.resolve(null)]);
}

/** The machine slept for a night; what was held ended meanwhile, and the network is not there yet. */
async function resumed(): Promise<void> {
  await provider.retrieve();
  clock.jump(NIGHT);
  upstream.failWith = unreachable;
  provider.onResume(NIGHT);
}

describe("in the first 30 s after a resume", () => {
  it("a client is asked to come again instead of told that AWS cannot be reached, and served once it can", async () => {
    await resumed();

    const asked = outcome(provider.retrieve());
    await clock.advance(899);
    expect(await answered(asked)).toBeNull();
    await clock.advance(1);
    expect(await asked).toBe("CredentialsPending");

    upstream.failWith = undefined;
    await clock.advance(2000);
    expect(provider.peek()).toBeDefined();
  });

  it("the upstream is tried every two seconds at most, and by all clients together", async () => {
    await resumed();
    const before = upstream.calls;

    const asked = Array.from({ length: 50 }, () => outcome(provider.retrieve()));
    await settle();
    expect(upstream.calls - before).toBe(1);
    await clock.advance(20_000);
    for (const answer of asked) expect(await answer).toBe("CredentialsPending");

    expect(upstream.calls - before).toBeGreaterThanOrEqual(10);
    expect(upstream.calls - before).toBeLessThanOrEqual(22);
  });

  it("what cannot pass by itself is told at once, and not asked again", async () => {
    await resumed();
    upstream.failWith = denied;
    const before = upstream.calls;

    expect(await answered(outcome(provider.retrieve()))).toBe("AssumeRoleDenied");
    expect(await answered(outcome(provider.retrieve()))).toBe("AssumeRoleDenied");

    expect(upstream.calls - before).toBe(1);
  });

  it("a refusal that ends the tries is told to the client that waits for them", async () => {
    await resumed();
    const asked = outcome(provider.retrieve());
    await settle();
    upstream.failWith = denied;

    await clock.advance(600);

    expect(await answered(asked)).toBe("AssumeRoleDenied");
  });

  it("what is valid is served at once, though its renewal fails", async () => {
    await provider.retrieve();
    await clock.advance(HOUR - 4 * MINUTE);
    upstream.failWith = unreachable;
    provider.onResume(0);

    expect(await answered(outcome(provider.retrieve()))).toBe("ok");
  });

  it("ends: the error is told again from then on", async () => {
    await resumed();
    await clock.advance(29_999);
    const last = outcome(provider.retrieve());
    expect(await answered(last)).toBeNull();
    await clock.advance(1);
    expect(await answered(outcome(provider.retrieve()))).toBe("AwsUnreachable");
    await clock.advance(2000);
    expect(await last).toMatch(/CredentialsPending|AwsUnreachable/);
  });

  it("is not where no resume was, and not where the clock was set back behind it", async () => {
    upstream.failWith = unreachable;
    expect(await answered(outcome(provider.retrieve()))).toBe("AwsUnreachable");

    provider.onResume(0);
    clock.jump(-1);
    expect(await answered(outcome(provider.retrieve()))).toBe("AwsUnreachable");
  });
});

describe("a resume", () => {
  it("ends the pause of a failure that can pass by itself", async () => {
    upstream.failWith = unreachable;
    await outcome(provider.retrieve());
    await clock.advance(10 * MINUTE);
    const before = upstream.calls;

    provider.onResume(0);
    upstream.failWith = undefined;
    expect(await answered(outcome(provider.retrieve()))).toBe("ok");

    expect(upstream.calls - before).toBe(1);
  });

  it("leaves the pause of a refusal", async () => {
    upstream.failWith = denied;
    await outcome(provider.retrieve());

    provider.onResume(0);
    upstream.failWith = undefined;

    expect(await answered(outcome(provider.retrieve()))).toBe("AssumeRoleDenied");
    expect(upstream.calls).toBe(1);
  });

  it("counts no time asleep as idle, and no use as one that is still to come", async () => {
    await provider.retrieve();
    const asked = clock.now();
    clock.jump(NIGHT);
    provider.onResume(NIGHT);
    expect(provider.lastRequestedAt).toBe(asked + NIGHT);

    provider.onResume(HOUR);
    expect(provider.lastRequestedAt).toBe(clock.now());
    clock.jump(-HOUR);
    provider.onResume(-HOUR);
    expect(provider.lastRequestedAt).toBe(clock.now());
  });

  it("brings no role into use that no client asked for", () => {
    provider.onResume(NIGHT);

    expect(provider.lastRequestedAt).toBeUndefined();
  });
});

describe("what happens to a renewal that waits for its turn", () => {
  /** Credentials that are due, and other roles' renewals that take up all places. */
  async function waitingRenewal() {
    const renewals = new ConcurrencyLimit(1);
    let changes = 0;
    provider = new CachedProvider({
      ...{ role: "dev", retrieveUpstream: upstream.retrieve, clock, logger: memoryLogger(), random: () => 0 },
      ...{ renewals, onChange: () => changes++ },
    });
    await provider.retrieve();
    let free = (): void => undefined;
    const other = renewals.run(() => new Promise<void>((resolve) => (free = resolve)));
    await clock.advance(HOUR - 24 * MINUTE);
    await provider.retrieve();
    expect(upstream.calls).toBe(1);
    return {
      changes: () => changes,
      itsTurn: async (): Promise<void> => {
        free();
        await other;
        await settle();
      },
    };
  }

  it("it is made when its turn has come, once", async () => {
    const { itsTurn } = await waitingRenewal();
    await provider.retrieve();
    await itsTurn();
    expect(upstream.calls).toBe(2);
  });

  it("it is not made when the role was dropped meanwhile", async () => {
    const { itsTurn, changes } = await waitingRenewal();
    const before = changes();
    provider.drop();
    await itsTurn();
    expect([upstream.calls, changes() - before]).toEqual([1, 1]);
  });

  it("it is not made when the user renewed meanwhile", async () => {
    const { itsTurn } = await waitingRenewal();
    await provider.warm({ limitMs: 1000, force: true });
    await itsTurn();
    expect(upstream.calls).toBe(2);
  });

  it("it is not made when another try failed meanwhile and has its pause", async () => {
    const { itsTurn } = await waitingRenewal();
    upstream.failWith = unreachable;
    await outcome(provider.warm({ limitMs: 1000, force: true }));
    await itsTurn();
    expect(upstream.calls).toBe(2);
  });
});

describe("how long a client waits", () => {
  it.each([
    [0, 900],
    [600, 300],
    [900, 0],
    [5000, 0],
    [-5000, 900],
  ])("is 900 ms less what it has waited already: %i ms, then %i", async (waited, ms) => {
    upstream.hold();
    const asked = outcome(provider.retrieve(waited));
    if (ms > 0) {
      await clock.advance(ms - 1);
      expect(await answered(asked)).toBeNull();
    }
    await clock.advance(1);
    expect(await answered(asked)).toBe("CredentialsPending");
  });
});

describe("what is told of changes", () => {
  it("comes with each end of a fetch, each drop, and when the sweep finds what has ended", async () => {
    let changes = 0;
    provider = new CachedProvider({
      ...{ role: "dev", retrieveUpstream: upstream.retrieve, clock, logger: memoryLogger(), random: () => 0 },
      ...{ renewals: new ConcurrencyLimit(10), onChange: () => changes++ },
    });
    await provider.retrieveForHop();
    expect(changes).toBe(1);
    provider.sweep({ idleAfterMs: HOUR });
    expect(changes).toBe(1);
    await clock.advance(HOUR);
    provider.sweep({ idleAfterMs: HOUR });
    expect(changes).toBe(2);
    provider.drop();
    expect(changes).toBe(3);
  });
});

describe("the sweep of one role", () => {
  it("lets it go when it was idle for longer than it may be, and says so", async () => {
    const logger = memoryLogger();
    provider = new CachedProvider({
      ...{ role: "dev", retrieveUpstream: upstream.retrieve, clock, logger, random: () => 0 },
      ...{ renewals: new ConcurrencyLimit(10), onChange: () => undefined },
    });
    await provider.retrieve();
    clock.jump(10 * MINUTE);
    provider.sweep({ idleAfterMs: 10 * MINUTE });
    expect(provider.peek()).toBeDefined();
    clock.jump(1);
    provider.sweep({ idleAfterMs: 10 * MINUTE });
    expect([provider.peek(), provider.lastRequestedAt]).toEqual([undefined, undefined]);
    expect(logger.lines.at(-1)).toMatchObject({ message: "credentials idle, let go", fields: { role: "dev" } });
  });

  it("renews what comes from more than a minute in the future", async () => {
    await provider.retrieve();
    clock.jump(-MINUTE);
    provider.sweep({ idleAfterMs: HOUR });
    await settle();
    expect(upstream.calls).toBe(1);
    clock.jump(-1);
    provider.sweep({ idleAfterMs: HOUR });
    await settle();
    expect(upstream.calls).toBe(2);
  });

  it("asks nothing of what waits for the user, nor of what no client asks for", async () => {
    upstream.failWith = new BrokerError("MfaRequired", "needs a code");
    await outcome(provider.retrieve());
    await clock.advance(10 * MINUTE);
    provider.sweep({ idleAfterMs: HOUR });
    await settle();
    expect([upstream.calls, clock.pending]).toEqual([1, 0]);

    const unused = new FakeUpstream(clock);
    providerOf(unused).sweep({ idleAfterMs: HOUR });
    await settle();
    expect(unused.calls).toBe(0);
  });
});

describe("a wake", () => {
  it("leaves what is held, and what will be tried by itself", async () => {
    await provider.retrieve();
    provider.wake();
    await settle();
    expect(upstream.calls).toBe(1);

    provider.drop();
    upstream.failWith = unreachable;
    await outcome(provider.retrieve());
    provider.wake();
    await settle();
    expect(upstream.calls).toBe(2);
  });

  it("brings back what was dropped", async () => {
    await provider.retrieve();
    provider.drop();
    provider.wake();
    await settle();
    expect(upstream.calls).toBe(2);
  });
});

describe("what is taken up after a restart", () => {
  it("is not what ends at this very moment", () => {
    const lifetimeMs = HOUR;
    const held = heldCredentials({ now: clock.now() - lifetimeMs + MINUTE, lifetimeMs });
    provider.restore({ held, lastRequestedAt: undefined });
    expect(provider.snapshot()).toMatchObject({ held: undefined, refreshAt: undefined });

    clock.jump(-1);
    provider.restore({ held, lastRequestedAt: undefined });
    expect(provider.snapshot().held).toBe(held);
  });

  it("is warmed by a command without a call until it is due", async () => {
    await provider.retrieve();
    await clock.advance(HOUR - 24 * MINUTE - 1);
    await provider.warm({ limitMs: 1000 });
    expect(upstream.calls).toBe(1);
    clock.jump(1);
    await provider.warm({ limitMs: 1000 });
    expect(upstream.calls).toBe(2);
  });
});
