import { afterEach, describe, expect, it, vi } from "vitest";
import { hashLeaseToken, type Lease, type LeaseKind } from "../../src/core/lease.js";
import { LeaseFixture } from "../support/lease-fixture.js";

/** As many as a large company's config, and the shells of a machine that several people share. */
const MANY = 3000;
/** A durable effect is counted before and after. */
const STEPS = 2;

afterEach(() => {
  vi.restoreAllMocks();
});

function many(kind: LeaseKind, extra: (index: number) => Partial<Lease>): Lease[] {
  return Array.from({ length: MANY }, (_, index) => ({
    ...{
      id: `${kind}-${index}`,
      kind,
      tokenHash: hashLeaseToken(`${kind}-${index}`),
      role: "dev",
      followsDefault: false,
    },
    ...{ createdAt: 0, expiresAt: null, lastUsedAt: null },
    ...extra(index),
  }));
}

describe("one among thousands of leases", () => {
  it("is rendered alone when it changes, and the file has the others as they were", async () => {
    const fixture = new LeaseFixture();
    const holder = fixture.processes.start(7);
    const leases = await fixture.startWith(many("child", () => ({ holder })));
    await leases.assign("default", "dev");

    const stringify = vi.spyOn(JSON, "stringify");
    await leases.assign("default", "prod");

    expect(stringify.mock.calls.length).toBeLessThan(5);
    const again = (await fixture.start()).list();
    expect(again).toHaveLength(MANY + 1);
    expect([again[0]?.role, again[MANY]?.id]).toEqual(["prod", `child-${MANY - 1}`]);
  });

  it("is found by its new token only, and by its name, after another had that name", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const expiresAt = fixture.clock.now() + 1000;
    const first = await leases.createNamed({ name: "agent", role: "dev", expiresAt });
    await fixture.clock.advance(1000);
    const second = await leases.createNamed({ name: "agent", role: "prod", expiresAt: null });
    const { token } = await leases.rotate(second.id);

    expect(leases.select({ by: "name", name: "agent" }).id).toBe(second.id);
    expect(leases.resolve(token.reveal()).id).toBe(second.id);
    expect(() => leases.select({ by: "id", id: first.id })).toThrow("revoked, replaced or has expired");
  });
});

describe("thousands of leases", () => {
  it("of one process are looked after with one look at it", async () => {
    const fixture = new LeaseFixture();
    const holder = fixture.processes.start(7);
    const leases = await fixture.startWith(many("child", () => ({ holder })));

    fixture.processes.lookups = 0;
    await leases.sweep();
    expect(fixture.processes.lookups).toBe(1);

    fixture.processes.end(7);
    await leases.sweep();
    expect(leases.list()).toHaveLength(1);
  });

  it("get new tokens by one write of the secret store, and one of the leases before and after it", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.startWith(many("named", (index) => ({ name: `agent-${index}` })));
    const [first] = [await leases.access(leases.select({ by: "name", name: "agent-0" }))];

    fixture.faults.steps = 0;
    await leases.rotateAll();

    expect(fixture.faults.steps).toBe(3 * STEPS);
    expect(() => leases.resolve(first.reveal())).toThrow("revoked");
    const token = await leases.access(leases.select({ by: "name", name: "agent-7" }));
    expect(leases.resolve(token.reveal()).name).toBe("agent-7");
  });

  it("that end together take one write, and one of the secret store", async () => {
    const fixture = new LeaseFixture();
    const expiresAt = fixture.clock.now() + 1000;
    const leases = await fixture.startWith(many("named", (index) => ({ name: `agent-${index}`, expiresAt })));

    await fixture.clock.advance(1000);
    fixture.faults.steps = 0;
    await leases.sweep();

    expect(leases.list()).toHaveLength(1);
    expect(fixture.faults.steps).toBe(2 * STEPS);
    expect(await fixture.secrets.keys("lease:")).toEqual(["lease:default"]);
  });

  it("fall back together with one write", async () => {
    const fixture = new LeaseFixture();
    const holder = fixture.processes.start(7);
    const until = fixture.clock.now() + 1000;
    const leases = await fixture.startWith(many("child", () => ({ holder, temporary: { until, thenRole: "prod" } })));

    await fixture.clock.advance(1000);
    const writes = (): number => fixture.writes + fixture.journal.appends + fixture.journal.replaces;
    const before = writes();
    await leases.sweep();

    expect(writes()).toBe(before + 1);
    expect(leases.list().filter(({ role }) => role === "prod")).toHaveLength(MANY);
  });
});
