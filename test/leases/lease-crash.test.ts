import { describe, expect, it } from "vitest";
import { hashLeaseToken } from "../../src/core/lease.js";
import type { LeaseRegistry } from "../../src/leases/lease-registry.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { LeaseFixture } from "../support/lease-fixture.js";

/** What was acknowledged before the crash: what must hold after it. */
class Acknowledged {
  /** name → token, live leases of which the caller was told. */
  readonly live = new Map<string, string>();
  readonly roles = new Map<string, string | null>();
  readonly refused = new Set<string>();
  /** Leases that an operation was under way for: either outcome is right. */
  open: string | undefined;

  async during(name: string, operation: () => Promise<void>): Promise<void> {
    this.open = name;
    await operation();
    this.open = undefined;
  }
}

async function tokenOf(leases: LeaseRegistry, name: string): Promise<string> {
  return (await leases.access(leases.select({ by: "name", name }))).reveal();
}

/** One of everything that is written in two places or one. */
async function scenario(fixture: LeaseFixture, told: Acknowledged): Promise<void> {
  const leases = fixture.registry();
  await leases.load();
  const make = async (name: string, create: () => Promise<unknown>, role: string | null): Promise<void> =>
    told.during(name, async () => {
      await create();
      told.live.set(name, await tokenOf(leases, name));
      told.roles.set(name, role);
    });
  const rotate = async (name: string): Promise<void> =>
    told.during(name, async () => {
      const { token } = await leases.rotate(leases.select({ by: "name", name }).id);
      told.refused.add(told.live.get(name)!);
      told.live.set(name, token.reveal());
    });
  const use = async (name: string, role: string): Promise<void> =>
    told.during(name, async () => {
      await leases.assign(leases.select({ by: "name", name }).id, role);
      told.roles.set(name, role);
    });
  const revoke = async (name: string): Promise<void> =>
    told.during(name, async () => {
      await leases.revoke(leases.select({ by: "name", name }).id);
      told.refused.add(told.live.get(name)!);
      told.live.delete(name);
    });

  await make("default", () => leases.reconcile(), null);
  await make("role:dev", () => leases.pinned("dev"), "dev");
  await make("ide", () => leases.createNamed({ name: "ide", role: null, expiresAt: null }), null);
  await use("default", "prod");
  await rotate("default");
  await rotate("ide");
  await revoke("role:dev");
  await make("role:dev", () => leases.pinned("dev"), "dev");
  await revoke("ide");
  await make("ide", () => leases.createNamed({ name: "ide", role: "audit", expiresAt: null }), "audit");
  await told.during("all", async () => {
    const before = [...told.live.values()];
    await leases.rotateAll();
    for (const token of before) told.refused.add(token);
    for (const name of told.live.keys()) told.live.set(name, await tokenOf(leases, name));
  });
  await use("default", "dev");
}

async function expectConsistent(fixture: LeaseFixture, told: Acknowledged): Promise<void> {
  const everSeen = new Set([...told.live.values(), ...told.refused]);
  const leases = await fixture.start();
  const seen = (name: string): boolean => told.open !== name && told.open !== "all";
  for (const [name, token] of told.live) {
    if (!seen(name)) continue;
    expect(leases.resolve(token).name, name).toBe(name);
    expect(leases.select({ by: "name", name }).role, name).toBe(told.roles.get(name));
  }
  for (const token of told.refused) expect((await brokerErrorOf(() => leases.resolve(token))).code).toBe("LeaseEnded");
  for (const lease of leases.list()) {
    const token = await leases.access(lease);
    expect(lease.tokenHash).toBe(hashLeaseToken(token.reveal()));
    expect(leases.resolve(token.reveal()).id).toBe(lease.id);
    everSeen.add(token.reveal());
  }
  const good = [...everSeen].filter((token) => isGood(leases, token));
  expect(good, "one good token a lease").toHaveLength(leases.list().length);
  const durable = leases.list().map(({ id }) => `lease:${id}`);
  expect(await fixture.secrets.keys("lease:"), "no raw token without its lease").toEqual(durable.sort());
}

function isGood(leases: LeaseRegistry, token: string): boolean {
  try {
    leases.resolve(token);
    return true;
  } catch {
    return false;
  }
}

describe("a crash at any durable step", () => {
  it("loses no acknowledged lease and leaves one good token each", async () => {
    const whole = new LeaseFixture();
    await scenario(whole, new Acknowledged());
    const steps = whole.faults.steps;
    expect(steps).toBeGreaterThan(40);

    for (let step = 0; step < steps; step++) {
      const fixture = new LeaseFixture();
      const told = new Acknowledged();
      fixture.faults.crashAt = step;
      await expect(scenario(fixture, told), `step ${step}`).rejects.toThrow();
      fixture.faults.crashAt = undefined;
      await expectConsistent(fixture, told);
    }
  });

  it("a crash during reconcile is repaired by the next reconcile", async () => {
    for (let step = 0; ; step++) {
      const fixture = new LeaseFixture();
      const told = new Acknowledged();
      await scenario(fixture, told);
      for (const key of await fixture.secrets.keys("lease:")) await fixture.secrets.delete(key);
      for (const token of told.live.values()) told.refused.add(token);
      told.live.clear();
      fixture.faults.steps = 0;
      fixture.faults.crashAt = step;
      const finished = await fixture.start().then(
        () => true,
        () => false,
      );
      fixture.faults.crashAt = undefined;
      await expectConsistent(fixture, told);
      if (finished) break;
      expect(step).toBeLessThan(50);
    }
  });

  it("leaves the registry that lived through the failure right as well", async () => {
    for (let step = 0; step < 60; step++) {
      const fixture = new LeaseFixture();
      const leases = await fixture.start();
      const { id } = await leases.createNamed({ name: "ide", role: null, expiresAt: null });
      const old = await tokenOf(leases, "ide");
      const writes = fixture.faults.steps;
      fixture.faults.failOnce = writes + step;

      const rotated = await leases.rotate(id).then(
        ({ token }) => token.reveal(),
        () => undefined,
      );
      const token = await tokenOf(leases, "ide");

      expect(leases.resolve(token).id).toBe(id);
      if (rotated !== undefined) expect(token).toBe(rotated);
      if (token !== old) expect((await brokerErrorOf(() => leases.resolve(old))).code).toBe("LeaseEnded");
      if (rotated !== undefined && step > 6) break;
    }
  });
});
