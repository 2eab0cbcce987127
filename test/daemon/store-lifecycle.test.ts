import { describe, expect, it } from "vitest";
import { StoreLifecycle, type StoreLifecycleOptions } from "../../src/daemon/store-lifecycle.js";
import { FakeClock } from "../support/fake-clock.js";
import { memoryLogger } from "../support/memory-logger.js";

describe("a keychain that is locked", () => {
  it("is looked at again within a minute, also after the clock was set back by hours", async () => {
    let probes = 0;
    const locked = { state: "locked", message: "locked", hint: "" };
    const store = { kind: "keychain", current: () => locked, probe: () => Promise.resolve((probes++, locked)) };
    const options = { store, registry: { block: () => undefined }, logger: memoryLogger() };
    const lifecycle = new StoreLifecycle({
      ...options,
      configProblem: () => undefined,
    } as unknown as StoreLifecycleOptions);
    const now = new FakeClock("2026-01-01T00:00:00Z").now();

    await lifecycle.probeAgain(now);
    await lifecycle.probeAgain(now + 59_000);
    expect(probes).toBe(1);
    const earlier = now - 3 * 3_600_000;
    await lifecycle.probeAgain(earlier);
    expect(probes).toBe(2);
    await lifecycle.probeAgain(earlier + 59_000);
    await lifecycle.probeAgain(earlier + 60_000);
    expect(probes).toBe(3);
  });
});
