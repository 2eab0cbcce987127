import { describe, expect, it } from "vitest";
import { BrokerError } from "../../src/core/errors.js";
import { StoreLifecycle, type StoreLifecycleOptions } from "../../src/daemon/store-lifecycle.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
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

describe("an open store beside leases that the disk does not take", () => {
  function rig(): { readonly lifecycle: StoreLifecycle; readonly disk: { isFull: boolean } } {
    const disk = { isFull: true };
    const reconcile = async (): Promise<void> => {
      if (disk.isFull) throw new BrokerError("StoreUnavailable", "leases cannot be saved", { hint: "free some space" });
      await Promise.resolve();
    };
    const open = { state: "open", warnings: [] };
    const answer = (): Promise<typeof open> => Promise.resolve(open);
    const lifecycle = new StoreLifecycle({
      store: { kind: "key_file", current: () => open, probe: answer, unlock: answer },
      cache: { restore: () => Promise.resolve() },
      registry: { block: () => undefined, wakeAll: () => undefined },
      sso: { sweep: () => Promise.resolve() },
      leases: { reconcile },
      logger: memoryLogger(),
      configProblem: () => undefined,
    } as unknown as StoreLifecycleOptions);
    return { lifecycle, disk };
  }

  it("keeps no client from being served at the start, is told, and tried again until it works", async () => {
    const { lifecycle, disk } = rig();
    expect((await lifecycle.probe()).state).toBe("open");
    await lifecycle.reconcileAgain();
    expect(lifecycle.leaseProblem).toBe("leases cannot be saved");

    disk.isFull = false;
    await lifecycle.reconcileAgain();

    expect(lifecycle.leaseProblem).toBeUndefined();
  });

  it("is an error for the user who unlocks", async () => {
    const { lifecycle } = rig();
    expect((await brokerErrorOf(() => lifecycle.unlock())).code).toBe("StoreUnavailable");
  });
});
