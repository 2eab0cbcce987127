import { describe, expect, it } from "vitest";
import type { LeaseRegistry } from "../../src/leases/lease-registry.js";
import { MAX_LEASES } from "../../src/leases/lease-terms.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { settle } from "../support/fake-clock.js";
import { LeaseFixture } from "../support/lease-fixture.js";

const MINUTE = 60_000;

/** Leases of each kind, and a follower of changes whose work is done when the test says so. */
async function followed() {
  const fixture = new LeaseFixture();
  const leases = await fixture.start();
  const named = await leases.createNamed({ name: "ide", role: null, expiresAt: null });
  const holder = fixture.processes.start(7);
  const child = await leases.createChild({ role: null, holder, expiresAt: null });
  let told = 0;
  const finish: (() => void)[] = [];
  fixture.onChange = () => {
    told++;
    return new Promise((resolve) => finish.push(resolve));
  };
  const done = (): void => {
    for (const resolve of finish.splice(0)) resolve();
  };
  return { fixture, leases, named, child: child.lease, holder, told: () => told, done };
}

type Followed = Awaited<ReturnType<typeof followed>>;

describe("what follows a change", () => {
  it.each<[string, (world: Followed) => Promise<unknown>]>([
    ["a use", ({ leases }) => leases.assign("default", "dev")],
    ["a named lease", ({ leases }) => leases.createNamed({ name: "ci", role: "dev", expiresAt: null })],
    ["a pinned lease", ({ leases }) => leases.pinned("dev")],
    ["a child lease", ({ leases, holder }) => leases.createChild({ role: null, holder, expiresAt: null })],
    ["a handing over", ({ leases, child, fixture }) => leases.handOver(child.id, fixture.processes.start(8))],
    ["a revocation", ({ leases, named }) => leases.revoke(named.id)],
    ["another token", ({ leases, named }) => leases.rotate(named.id)],
    ["a child that is gone", ({ leases, fixture }) => (fixture.processes.end(7), leases.sweep())],
  ])("is done before it is acknowledged: %s", async (_what, change) => {
    const world = await followed();
    let isAcknowledged = false;

    const changing = change(world).then(() => (isAcknowledged = true));
    while (world.told() === 0) await settle();
    await settle();
    expect(isAcknowledged).toBe(false);

    world.done();
    await changing;
    expect(world.told()).toBe(1);
  });

  it("finds the change in force and on the disk", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const seen: unknown[] = [];
    fixture.onChange = async () => {
      const onDisk = new LeaseFixture();
      const reader = await Object.assign(onDisk, { path: fixture.path }).startLocked();
      seen.push(leases.select({ by: "default" }).role, reader.select({ by: "default" }).role);
    };

    await leases.assign("default", "dev");

    expect(seen).toEqual(["dev", "dev"]);
  });

  it("comes after an end that could not be saved too, for that holds; and not after a use that could not", async () => {
    const { fixture, leases, named, told, done } = await followed();
    fixture.faults.diskFull = true;

    await brokerErrorOf(() => leases.assign("default", "dev"));
    expect(told()).toBe(0);

    const revoking = brokerErrorOf(() => leases.revoke(named.id));
    while (told() === 0) await settle();
    done();
    expect((await revoking).code).toBe("StoreUnavailable");
  });

  it("does not come where nothing changed: a sweep, a look-up, a last use", async () => {
    const { leases, told } = await followed();

    leases.lookup.touch(leases.select({ by: "default" }));
    await leases.sweep();

    expect(told()).toBe(0);
  });
});

describe("the list of leases", () => {
  it("has the default lease first, then the others by age", async () => {
    const fixture = new LeaseFixture();
    fixture.secrets.locked = true;
    const leases = await fixture.startLocked();
    const holder = fixture.processes.start(7);
    await leases.createChild({ role: null, holder, expiresAt: null });
    fixture.clock.jump(-MINUTE); // the clock was set back: the file's order is not that of their age
    await leases.createChild({ role: null, holder, expiresAt: null });
    fixture.clock.jump(2 * MINUTE);
    fixture.secrets.locked = false;
    await leases.reconcile();

    const [first, ...others] = leases.list();
    expect(first?.kind).toBe("default");
    expect(others.map(({ createdAt }) => createdAt)).toEqual(others.map(({ createdAt }) => createdAt).toSorted());
    expect(new Set(others.map(({ createdAt }) => createdAt)).size).toBe(2);
  });
});

describe("what a client of a lease that ended is told", () => {
  async function endedHint(leases: LeaseRegistry, id: string): Promise<string> {
    const { message, hint } = await brokerErrorOf(() => leases.select({ by: "id", id }));
    return `${message} | ${hint}`;
  }

  it("is the command that gives a new one, by kind", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const named = await leases.createNamed({ name: "ide", role: null, expiresAt: null });
    const pinned = await leases.pinned("dev");
    const { lease: child } = await leases.createChild({
      role: null,
      holder: fixture.processes.start(7),
      expiresAt: null,
    });
    for (const { id } of [named, pinned, child]) await leases.revoke(id);

    expect(await endedHint(leases, named.id)).toBe(
      "this token of lease ide was revoked, replaced or has expired | brokerctl lease list",
    );
    expect(await endedHint(leases, pinned.id)).toBe(
      'this token of lease role:dev was revoked, replaced or has expired | eval "$(brokerctl env)"',
    );
    expect(await endedHint(leases, child.id)).toBe(
      'this lease has expired, or its program has exited | eval "$(brokerctl env)"',
    );
  });

  it("names the lease that is not there, by what it was asked for", async () => {
    const leases = await new LeaseFixture().start();

    for (const selector of [{ by: "name", name: "x1" } as const, { by: "id", id: "x1" } as const]) {
      const { message, hint } = await brokerErrorOf(() => leases.select(selector));
      expect([message, hint]).toEqual([expect.stringMatching(/^there is no lease .*x1$/), "brokerctl lease list"]);
    }
  });

  it("is how many leases of each kind there are where no more can be made, and to end programs where these have most", async () => {
    const fixture = new LeaseFixture();
    const holder = fixture.processes.start(7);
    const leases = await fixture.startWith(
      Array.from({ length: MAX_LEASES - 1 }, (_, index) => ({
        ...{ id: `c-${index}`, kind: "child", tokenHash: index.toString(16).padStart(64, "0"), role: null, holder },
        ...{ followsDefault: true, createdAt: 0, expiresAt: null, lastUsedAt: null },
      })),
    );

    const error = await brokerErrorOf(() => leases.createChild({ role: null, holder, expiresAt: null }));

    expect(error.message).toContain(`0 named, 0 of env ROLE, ${MAX_LEASES - 1} of programs and shells`);
    expect(error.hint).toBe("end programs and shells that have one: brokerctl lease list");
  });
});
