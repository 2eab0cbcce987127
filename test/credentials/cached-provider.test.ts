import { beforeEach, describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import { refreshWindows } from "../../src/core/refresh-windows.js";
import { ConcurrencyLimit } from "../../src/core/serial.js";
import { CachedProvider } from "../../src/credentials/cached-provider.js";
import { FakeUpstream, heldCredentials } from "../fakes/fake-upstream.js";
import { FakeClock, settle } from "../support/fake-clock.js";
import { type LogLine, memoryLogger } from "../support/memory-logger.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const unreachable = new BrokerError("AwsUnreachable", "no route to sts");
const denied = new BrokerError("AssumeRoleDenied", "not allowed");
const mfaRequired = new BrokerError("MfaRequired", "needs a code");

let clock: FakeClock;
let upstream: FakeUpstream;
let provider: CachedProvider;
let changes: number;
let lines: LogLine[];

beforeEach(() => {
  clock = new FakeClock();
  upstream = new FakeUpstream(clock);
  changes = 0;
  lines = [];
  provider = new CachedProvider({
    role: "dev",
    retrieveUpstream: upstream.retrieve,
    clock,
    logger: memoryLogger(lines),
    random: () => 0,
    renewals: new ConcurrencyLimit(10),
    onChange: () => changes++,
  });
});

const keyId = async (): Promise<string> => (await provider.retrieve()).credentials.accessKeyId.slice(-2);
const outcome = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "ok",
    (error: unknown) => (error instanceof BrokerError ? error.code : String(error)),
  );
const sweep = (jumpedMs = 0): void => {
  if (jumpedMs !== 0) provider.onResume(jumpedMs);
  provider.sweep({ idleAfterMs: 8 * HOUR });
};

describe("a first fetch", () => {
  it("is one upstream call however many ask", async () => {
    upstream.hold();
    const asked = Array.from({ length: 200 }, () => provider.retrieve());
    upstream.release();
    expect(new Set((await Promise.all(asked)).map((held) => held.credentials.accessKeyId)).size).toBe(1);
    expect(upstream.calls).toBe(1);
  });

  it("is answered CredentialsPending after 900 ms while it goes on, and serves the next one who asks", async () => {
    upstream.hold();
    const asked = outcome(provider.retrieve());
    await clock.advance(899);
    expect(await Promise.race([asked, Promise.resolve("waiting")])).toBe("waiting");
    await clock.advance(1);
    expect(await asked).toBe("CredentialsPending");
    upstream.release();
    await settle();
    expect(await keyId()).toBe("01");
    expect(upstream.calls).toBe(1);
  });

  it("that fails tells every caller why and is not cached as success", async () => {
    upstream.failWith = unreachable;
    expect(await outcome(provider.retrieve())).toBe("AwsUnreachable");
    upstream.failWith = undefined;
    await clock.advance(1000);
    expect(await keyId()).toBe("02");
  });

  it("answered with credentials that are expired already is a failure", async () => {
    upstream.lifetimeMs = -1000;
    expect(await outcome(provider.retrieve())).toBe("AwsUnreachable");
  });
});

describe("renewal", () => {
  it("happens behind the answer in the advisory window", async () => {
    await provider.retrieve();
    upstream.hold();
    await clock.advance(HOUR - 24 * MINUTE);
    const answers = await Promise.all(Array.from({ length: 200 }, keyId));
    expect(new Set(answers)).toEqual(new Set(["01"]));
    expect(upstream.calls).toBe(2);
    upstream.release();
    await settle();
    expect(await keyId()).toBe("02");
  });

  it("comes by itself before clients would refetch on every call, without a request", async () => {
    await provider.retrieve();
    for (let minute = 0; minute < 240; minute++) {
      await clock.advance(MINUTE);
      const { held } = provider.snapshot();
      expect(refreshWindows(held!).advertisedExpiration - clock.now()).toBeGreaterThanOrEqual(20 * MINUTE);
    }
    expect(upstream.calls).toBe(1 + Math.floor(240 / 36));
  });

  it("is awaited for at most 900 ms in the mandatory window, then what is valid is served", async () => {
    await provider.retrieve();
    upstream.hold();
    await clock.advance(HOUR - 4 * MINUTE);
    const asked = keyId();
    await clock.advance(900);
    expect(await asked).toBe("01");
    expect(upstream.calls).toBe(2);
  });

  it("in the mandatory window that is quick enough is what the client gets", async () => {
    await provider.retrieve();
    upstream.hold();
    await clock.advance(HOUR - 4 * MINUTE);
    const asked = keyId();
    await settle();
    upstream.release();
    expect(await asked).toBe("02");
  });

  it("never serves credentials past their advertised end", async () => {
    await provider.retrieve();
    upstream.failWith = unreachable;
    await clock.advance(HOUR - MINUTE - 1);
    expect(await keyId()).toBe("01");
    await clock.advance(1);
    expect(await outcome(provider.retrieve())).toBe("AwsUnreachable");
  });

  it("starts earlier by jitter, never later", async () => {
    const jittered = new CachedProvider({
      role: "dev",
      retrieveUpstream: upstream.retrieve,
      clock,
      logger: memoryLogger(),
      random: () => 0.999,
      renewals: new ConcurrencyLimit(10),
      onChange: () => undefined,
    });
    const held = await jittered.retrieve();
    const { refreshAt } = jittered.snapshot();
    expect(refreshAt).toBeLessThan(refreshWindows(held).advisoryAt);
    expect(refreshAt).toBeGreaterThan(refreshWindows(held).advisoryAt - 3 * MINUTE);
  });

  it("does not loop when the source keeps answering the same nearly spent credentials", async () => {
    const same = heldCredentials({ now: clock.now(), lifetimeMs: 30_000 });
    let calls = 0;
    const stubborn = new CachedProvider({
      role: "dev",
      retrieveUpstream: async () => {
        calls++;
        return same;
      },
      clock,
      logger: memoryLogger(),
      random: () => 0,
      renewals: new ConcurrencyLimit(10),
      onChange: () => undefined,
    });
    await stubborn.retrieve();
    await clock.advance(26_000);
    expect(calls).toBeLessThan(10);
  });
});

describe("an upstream in trouble", () => {
  it("is retried with growing pauses up to a minute while what is valid is served", async () => {
    await provider.retrieve();
    upstream.failWith = unreachable;
    await clock.advance(HOUR - 24 * MINUTE);
    const before = upstream.calls;
    await clock.advance(10 * MINUTE);
    expect(await keyId()).toBe("01");
    expect(upstream.calls - before).toBeGreaterThan(8);
    expect(upstream.calls - before).toBeLessThan(28);
    upstream.failWith = undefined;
    await clock.advance(MINUTE);
    expect(await keyId()).not.toBe("01");
  });

  it("is not asked by clients between the pauses: they get the last error at once", async () => {
    upstream.failWith = unreachable;
    await outcome(provider.retrieve());
    const answers = await Promise.all(Array.from({ length: 50 }, () => outcome(provider.retrieve())));
    expect(new Set(answers)).toEqual(new Set(["AwsUnreachable"]));
    expect(upstream.calls).toBe(1);
  });

  it("that asks for a pause gets it", async () => {
    upstream.failWith = new BrokerError("AwsUnreachable", "throttled", { retryAfterMs: 30_000 });
    await outcome(provider.retrieve());
    await clock.advance(29_000);
    expect(upstream.calls).toBe(1);
    await clock.advance(2000);
    expect(upstream.calls).toBe(2);
  });

  it("recovers within a minute after the wall clock was set back", async () => {
    upstream.failWith = unreachable;
    await outcome(provider.retrieve());
    upstream.failWith = undefined;
    clock.jump(-12 * HOUR);
    sweep(-12 * HOUR);
    await settle();
    expect(provider.snapshot().held).toBeDefined();
  });
});

describe("a refusal", () => {
  it("drops what is held and is asked again by clients only after a minute", async () => {
    await provider.retrieve();
    upstream.failWith = denied;
    await clock.advance(HOUR - 24 * MINUTE);
    expect(await outcome(provider.retrieve())).toBe("AssumeRoleDenied");
    expect(upstream.calls).toBe(2);
    upstream.failWith = undefined;
    await clock.advance(MINUTE);
    expect(await outcome(provider.retrieve())).toBe("ok");
  });

  it("is asked again at once for the user", async () => {
    upstream.failWith = denied;
    await outcome(provider.retrieve());
    upstream.failWith = undefined;
    expect(await outcome(provider.warm({ limitMs: 60_000 }))).toBe("ok");
  });
});

describe("what waits for the user", () => {
  it("keeps serving what is valid to its end", async () => {
    await provider.retrieve();
    upstream.failWith = mfaRequired;
    await clock.advance(HOUR - 2 * MINUTE);
    expect(await keyId()).toBe("01");
    await clock.advance(MINUTE);
    expect(await outcome(provider.retrieve())).toBe("MfaRequired");
  });

  it("is fetched as soon as the source can sign again", async () => {
    upstream.failWith = mfaRequired;
    await outcome(provider.retrieve());
    upstream.failWith = undefined;
    provider.wake();
    await settle();
    expect(upstream.calls).toBe(2);
    expect(provider.snapshot().held).toBeDefined();
  });

  it("is not woken when no client ever asked for it", async () => {
    provider.wake();
    await settle();
    expect(upstream.calls).toBe(0);
  });
});

describe("warming for the user", () => {
  it("waits longer than a client may and gives up at its limit without ending the fetch", async () => {
    upstream.hold();
    const asked = outcome(provider.warm({ limitMs: 60_000 }));
    await clock.advance(59_999);
    expect(await Promise.race([asked, Promise.resolve("waiting")])).toBe("waiting");
    await clock.advance(1);
    expect(await asked).toBe("CredentialsPending");
    upstream.release();
    await settle();
    expect(upstream.calls).toBe(1);
    expect(await keyId()).toBe("01");
  });

  it("ends when the terminal goes away", async () => {
    upstream.hold();
    const gone = new AbortController();
    const asked = outcome(provider.warm({ limitMs: 60_000, signal: gone.signal }));
    gone.abort();
    expect(await asked).toBe("CredentialsPending");
  });

  it("by force renews what is still good, and says so when that fails", async () => {
    await provider.retrieve();
    const renewed = await provider.warm({ limitMs: 60_000, force: true });
    expect(renewed.credentials.accessKeyId).toMatch(/02$/);
    upstream.failWith = unreachable;
    expect(await outcome(provider.warm({ limitMs: 60_000, force: true }))).toBe("AwsUnreachable");
    expect(await keyId()).toBe("02");
  });

  it("serves what is valid when the renewal fails", async () => {
    await provider.retrieve();
    upstream.failWith = unreachable;
    await clock.advance(HOUR - 10 * MINUTE);
    expect(await outcome(provider.warm({ limitMs: 60_000 }))).toBe("ok");
  });
});

describe("dropping", () => {
  it("forgets at once and does not take what was under way", async () => {
    upstream.hold();
    const asked = outcome(provider.retrieve());
    await settle();
    provider.drop();
    upstream.release();
    expect(await asked).toBe("CredentialsPending");
    expect(provider.snapshot().held).toBeUndefined();
    expect(await keyId()).toBe("02");
  });

  it("of stale credentials leaves newer ones alone", async () => {
    const first = await provider.retrieve();
    const second = await provider.warm({ limitMs: 1000, force: true });
    provider.forget(first);
    expect(provider.snapshot().held).toBe(second);
    provider.forget(second);
    expect(provider.snapshot().held).toBeUndefined();
  });
});

describe("the sweep", () => {
  it("lets go what no client fetched for the idle time, and stops renewing it", async () => {
    await provider.retrieve();
    for (let hour = 0; hour < 9; hour++) {
      await clock.advance(HOUR);
      sweep();
    }
    const calls = upstream.calls;
    expect(provider.snapshot().held).toBeUndefined();
    await clock.advance(2 * HOUR);
    expect(upstream.calls).toBe(calls);
  });

  it("renews once after a 12 h suspend what was in use before it", async () => {
    await provider.retrieve();
    clock.jump(12 * HOUR);
    sweep(12 * HOUR);
    sweep();
    await settle();
    expect(upstream.calls).toBe(2);
    expect(await keyId()).toBe("02");
  });

  it("renews what seems to come from the future after the clock was set back", async () => {
    await provider.retrieve();
    clock.jump(-2 * HOUR);
    sweep(-2 * HOUR);
    await settle();
    expect(upstream.calls).toBe(2);
  });
});

describe("use as a hop", () => {
  it("does not count as being fetched", async () => {
    await provider.retrieveForHop();
    await clock.advance(2 * HOUR);
    sweep();
    await settle();
    expect(upstream.calls).toBe(1);
    expect(provider.snapshot().lastRequestedAt).toBeUndefined();
  });

  it("waits for as long as upstream takes", async () => {
    upstream.hold();
    const asked = outcome(provider.retrieveForHop());
    await clock.advance(30_000);
    expect(await Promise.race([asked, Promise.resolve("waiting")])).toBe("waiting");
    upstream.release();
    expect(await asked).toBe("ok");
  });

  it("takes what is valid when the renewal fails in the mandatory window, and fails when nothing is", async () => {
    await provider.retrieveForHop();
    upstream.failWith = unreachable;
    await clock.advance(HOUR - 2 * MINUTE);
    expect(await outcome(provider.retrieveForHop())).toBe("ok");
    expect(await outcome(provider.retrieveForHop())).toBe("ok");
    await clock.advance(2 * MINUTE);
    expect(await outcome(provider.retrieveForHop())).toBe("AwsUnreachable");
  });
});

describe("across a restart", () => {
  it("credentials that live are served without an upstream call and renewed when due", async () => {
    const held = heldCredentials({ now: clock.now() - 10 * MINUTE, lifetimeMs: HOUR, id: "ASIA0000000000000077" });
    provider.restore({ held, lastRequestedAt: clock.now() });
    expect(await keyId()).toBe("77");
    expect(upstream.calls).toBe(0);
    await clock.advance(27 * MINUTE);
    expect(upstream.calls).toBe(1);
  });

  it("credentials that ended meanwhile are not taken up", () => {
    provider.restore({
      held: heldCredentials({ now: clock.now() - 2 * HOUR, lifetimeMs: HOUR }),
      lastRequestedAt: undefined,
    });
    expect(provider.snapshot().held).toBeUndefined();
  });
});

describe("the log", () => {
  it("names role, code and end, and no secret", async () => {
    await provider.retrieve();
    upstream.failWith = unreachable;
    await outcome(provider.warm({ limitMs: 10, force: true }));
    const text = JSON.stringify(lines);
    expect(text).toContain("credentials fetched");
    expect(text).toContain("AwsUnreachable");
    expect(text).not.toContain("CaNaRy");
  });
});
