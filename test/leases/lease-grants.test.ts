import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Grant, grantFor, isMovable, type Lease } from "../../src/core/lease.js";
import type { LeaseRegistry } from "../../src/leases/lease-registry.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { LeaseFixture } from "../support/lease-fixture.js";

const MINUTE = 60_000;
const PROD = { name: "prod", digests: ["a".repeat(64)], guarded: true };
const CHANGED = { ...PROD, digests: ["b".repeat(64)] };

function grantOf(fixture: LeaseFixture, minutes: number, more: Partial<Grant> = {}): Grant {
  const now = fixture.clock.now();
  return { role: "prod", digest: "a".repeat(64), grantedAt: now, until: now + minutes * MINUTE, ...more };
}

async function codeOf(act: () => unknown): Promise<string> {
  return (await brokerErrorOf(async () => act())).code;
}

/** What the endpoint would answer for prod: `served`, or why not. */
async function answerTo(leases: LeaseRegistry, id: string, role = PROD): Promise<string> {
  const lease = leases.select({ by: "id", id });
  if (leases.roleOf(lease) !== role.name) return `on ${leases.roleOf(lease)}`;
  try {
    leases.requireGrant(lease, role);
    return "served";
  } catch {
    return codeOf(() => leases.requireGrant(lease, role));
  }
}

async function agentOn(role: string, leases: LeaseRegistry, pinned = true): Promise<Lease> {
  return leases.createNamed({ name: "agent", role, expiresAt: null, ...(pinned && { pinned: true }) });
}

describe("a pinned lease", () => {
  it("is not moved by use, and names what does move it", async () => {
    const leases = await new LeaseFixture().start();
    const agent = await agentOn("dev", leases);

    const error = await brokerErrorOf(() => leases.assign(agent.id, "prod"));

    expect(error.code).toBe("LeasePinned");
    expect(error.hint).toContain("brokerctl lease set agent ROLE");
    expect(leases.select({ by: "name", name: "agent" }).role).toBe("dev");
    expect(isMovable(agent)).toBe(false);
  });

  it("is moved by who owns it, and stays pinned", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const agent = await agentOn("dev", leases);

    await leases.assign(agent.id, "staging", { evenPinned: true });

    const again = (await fixture.start()).select({ by: "name", name: "agent" });
    expect(again).toMatchObject({ role: "staging", pinned: true });
  });

  it("was a named lease with a role before this version, which is said", async () => {
    const fixture = new LeaseFixture();
    const before = await fixture.start();
    await agentOn("dev", before, false);
    await before.createNamed({ name: "ide", role: null, expiresAt: null });
    writeFileSync(fixture.path, readFileSync(fixture.path, "utf8").replace('"version": 4', '"version": 1'));

    const registry = fixture.registry();
    expect(await registry.load()).toEqual(["agent"]);
    expect(registry.list().map((lease) => [lease.name, isMovable(lease)])).toEqual([
      ["default", true],
      ["agent", false],
      ["ide", true],
    ]);
    await registry.sweep();
    expect(JSON.parse(readFileSync(fixture.path, "utf8"))).toMatchObject({ version: 4 });
    expect(await fixture.registry().load()).toEqual([]);
  });
});

describe("a guarded role", () => {
  it("is refused to a lease that was never granted it, and served to one that was", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const agent = await agentOn("prod", leases);
    expect(await answerTo(leases, agent.id)).toBe("GuardRefused");

    await leases.grant(agent.id, grantOf(fixture, 30));

    expect(await answerTo(leases, agent.id)).toBe("served");
    expect(await answerTo(await fixture.start(), agent.id)).toBe("served");
  });

  it("is refused when the grant is over, without any sweep", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const agent = await agentOn("prod", leases);
    await leases.grant(agent.id, grantOf(fixture, 30));

    await fixture.clock.advance(30 * MINUTE - 1);
    expect(await answerTo(leases, agent.id)).toBe("served");
    await fixture.clock.advance(1);
    expect(await answerTo(leases, agent.id)).toBe("GuardRefused");
    await leases.sweep();
    expect(leases.select({ by: "id", id: agent.id }).grants).toBeUndefined();
  });

  it("needs another grant when role or guard are defined anew", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const agent = await agentOn("prod", leases);
    await leases.grant(agent.id, grantOf(fixture, 30));

    expect(await answerTo(leases, agent.id, CHANGED)).toBe("GuardRefused");
  });

  it("is had by those that follow the default lease as long as that has it", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const { lease: shell } = await leases.createChild({
      ...{ role: null, holder: fixture.processes.start(7), expiresAt: null },
    });
    const grant = grantOf(fixture, 30);
    await leases.assign("default", "prod", { until: grant.until, grant });

    expect(await answerTo(leases, shell.id)).toBe("served");
    await fixture.clock.advance(30 * MINUTE);
    expect(await answerTo(leases, shell.id)).toBe("on null");
  });
});

describe("a grant", () => {
  it("moves a lease for its time, then it is where it was", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const agent = await agentOn("dev", leases);
    const grant = grantOf(fixture, 30, { request: "r1" });
    await leases.assign(agent.id, "prod", { until: grant.until, grant, evenPinned: true });

    const restarted = await fixture.start();
    expect(await answerTo(restarted, agent.id)).toBe("served");
    await fixture.clock.advance(30 * MINUTE);
    expect(await answerTo(restarted, agent.id)).toBe("on dev");
  });

  it("is taken back: the lease is where it was before, also when that cannot be saved", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const agent = await agentOn("dev", leases);
    const grant = grantOf(fixture, 30, { request: "r1" });
    await leases.assign(agent.id, "prod", { until: grant.until, grant, evenPinned: true });

    fixture.faults.diskFull = true;
    expect(await codeOf(() => leases.withdraw(({ request }) => request === "r1"))).toBe("StoreUnavailable");

    expect(await answerTo(leases, agent.id)).toBe("on dev");
  });

  it("ends when its role is left", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const grant = grantOf(fixture, 30);
    await leases.assign("default", "prod", { until: grant.until, grant });
    await leases.assign("default", "dev");

    await leases.assign("default", "prod");

    expect(await answerTo(leases, "default")).toBe("GuardRefused");
  });

  it("lasts no longer because the clock was set back", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const grant = grantOf(fixture, 30);
    await leases.assign("default", "prod", { until: grant.until, grant });
    const { lease: child } = await leases.createChild({
      ...{ role: "prod", holder: fixture.processes.start(7), expiresAt: grant.until, grants: [grant] },
    });
    await fixture.clock.advance(20 * MINUTE);

    fixture.clock.jump(-15 * MINUTE);
    await leases.clockSetBack(15 * MINUTE);

    expect(await answerTo(leases, child.id)).toBe("served");
    await fixture.clock.advance(10 * MINUTE);
    expect(await answerTo(leases, "default")).toBe("on null");
    expect(await codeOf(() => leases.select({ by: "id", id: child.id }))).toBe("LeaseEnded");
  });

  it("is not in force while the clock shows a time long before it was given", () => {
    const fixture = new LeaseFixture();
    const grant = grantOf(fixture, 30);
    const at = (minutes: number): unknown =>
      grantFor({ grants: [grant] }, { role: "prod", digests: PROD.digests }, grant.grantedAt + minutes * MINUTE);

    expect([at(-2), at(30)]).toEqual([undefined, undefined]);
    expect([at(-1), at(0), at(29)]).toEqual([grant, grant, grant]);
  });

  it("is acknowledged only when it is durable", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const agent = await agentOn("prod", leases);
    fixture.faults.diskFull = true;

    expect(await codeOf(() => leases.grant(agent.id, grantOf(fixture, 30)))).toBe("StoreUnavailable");

    expect(await answerTo(leases, agent.id)).toBe("GuardRefused");
  });

  it("for a role without guard is good for the role as it was shown", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const agent = await agentOn("dev", leases);
    const grant = grantOf(fixture, 30, { request: "r1" });
    await leases.assign(agent.id, "prod", { until: grant.until, grant, evenPinned: true });

    expect(await answerTo(leases, agent.id, { ...PROD, guarded: false })).toBe("served");
    expect(await answerTo(leases, agent.id, { ...CHANGED, guarded: false })).toBe("GuardRefused");
  });

  it("that runs out is on record, once, and so are leases that end by themselves", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const agent = await agentOn("dev", leases);
    const grant = grantOf(fixture, 30, { request: "r1" });
    await leases.assign(agent.id, "prod", { until: grant.until, grant, evenPinned: true });
    const brief = await leases.createNamed({
      name: "brief",
      role: "dev",
      expiresAt: fixture.clock.now() + 40 * MINUTE,
    });

    await fixture.clock.advance(30 * MINUTE);
    await leases.sweep();
    await leases.sweep();
    await fixture.clock.advance(10 * MINUTE);
    await leases.sweep();

    expect(fixture.record).toMatchObject([
      { event: "grant-ended", outcome: "done", lease: { id: agent.id }, role: "prod", request: "r1" },
      { event: "lease-ended", outcome: "done", lease: { id: brief.id }, role: "dev", detail: "expired" },
    ]);
  });
});
