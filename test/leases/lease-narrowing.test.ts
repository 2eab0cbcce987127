import { describe, expect, it } from "vitest";
import { type Grant, type Lease, leaseAt, ownScope } from "../../src/core/lease.js";
import { isWithin, type LeaseScope } from "../../src/core/lease-scope.js";
import type { LeaseRegistry } from "../../src/leases/lease-registry.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { LeaseFixture } from "../support/lease-fixture.js";

const MINUTE = 60_000;
const policyOf = (Action: string): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource: "*" }] });
const [S3, EC2] = [policyOf("s3:*"), policyOf("ec2:*")];
const ARN = (name: string): string => `arn:aws:iam::aws:policy/${name}`;
const READ_ONLY: LeaseScope = { readOnly: true };
const fit = (narrowed: Lease): Lease => narrowed;

const agentIn = (leases: LeaseRegistry) => leases.select({ by: "name", name: "agent" });

async function agentWith(scope: LeaseScope | undefined, fixture = new LeaseFixture()) {
  const leases = await fixture.start();
  const agent = await leases.createNamed({ name: "agent", role: "dev", expiresAt: null, ...(scope && { scope }) });
  return { fixture, leases, agent };
}

describe("a lease that is narrowed", () => {
  it.each<readonly [own: LeaseScope | undefined, wanted: LeaseScope, then: LeaseScope]>([
    [undefined, READ_ONLY, READ_ONLY],
    [undefined, { policy: S3 }, { policy: S3 }],
    [READ_ONLY, READ_ONLY, READ_ONLY],
    [READ_ONLY, { services: ["s3"] }, { services: ["s3:read"] }],
    [READ_ONLY, { policy: S3 }, { readOnly: true, policy: S3 }],
    [{ services: ["ec2", "s3"] }, { services: ["s3"] }, { services: ["s3"] }],
    [{ services: ["s3"] }, { services: ["s3:read"] }, { services: ["s3:read"] }],
    [{ services: ["ec2", "s3"] }, READ_ONLY, { services: ["ec2:read", "s3:read"] }],
    [{ policy: S3 }, { policy: S3, sessionSeconds: 60 }, { policy: S3, sessionSeconds: 60 }],
    [{ policyArns: [ARN("a"), ARN("b")] }, { policyArns: [ARN("b")] }, { policyArns: [ARN("b")] }],
    [{ sessionSeconds: 900 }, { sessionSeconds: 60 }, { sessionSeconds: 60 }],
    [
      { sessionSeconds: 60, description: "credbroker: x" },
      READ_ONLY,
      { ...READ_ONLY, sessionSeconds: 60, description: "credbroker: x" },
    ],
  ])("from %j by %j has %j, within what it had", async (own, wanted, then) => {
    const { leases, agent, fixture } = await agentWith(own);

    const [narrowed] = await leases.narrow(agent.id, { scope: wanted, fit });

    expect(narrowed.scope).toEqual(then);
    expect([isWithin(narrowed.scope, own), isWithin(narrowed.scope, wanted)]).toEqual([true, true]);
    expect(agentIn(await fixture.start()).scope).toEqual(then);
  });

  it.each<readonly [own: LeaseScope, wanted: LeaseScope, flag: string]>([
    [{ services: ["s3"] }, { services: ["ec2"] }, "--service"],
    [{ services: ["s3"] }, { services: ["s3", "ec2:read"] }, "--service"],
    [{ services: ["s3:read"] }, { services: ["s3"] }, "--service"],
    [{ policy: S3 }, { policy: EC2 }, "--policy"],
    [{ policyArns: [ARN("a")] }, { policyArns: [ARN("a"), ARN("b")] }, "--policy-arn"],
    [{ sessionSeconds: 60 }, { sessionSeconds: 900 }, "--session-for"],
    [{ services: ["s3"] }, { readOnly: true, services: ["ec2"], sessionSeconds: 60 }, "--service"],
  ])("is not by what would widen it: from %j by %j", async (own, wanted, flag) => {
    const { leases, agent, fixture } = await agentWith(own);

    const error = await brokerErrorOf(() => leases.narrow(agent.id, { scope: wanted, fit }));

    expect([error.code, error.message]).toEqual(["ScopeRefused", expect.stringContaining(flag)]);
    expect(error.hint).toContain("lease create");
    expect([agentIn(leases).scope, agentIn(await fixture.start()).scope]).toEqual([own, own]);
  });

  it("ends earlier, never later", async () => {
    const { leases, agent, fixture } = await agentWith(undefined);
    const end = fixture.clock.now() + 10 * MINUTE;

    await leases.narrow(agent.id, { expiresAt: end, fit });
    expect((await brokerErrorOf(() => leases.narrow(agent.id, { expiresAt: end + 1, fit }))).code).toBe("ScopeRefused");
    expect(
      (await brokerErrorOf(() => leases.narrow(agent.id, { scope: READ_ONLY, expiresAt: end + 1, fit }))).code,
    ).toBe("ScopeRefused");
    expect(agentIn(leases)).toMatchObject({ expiresAt: end });
    expect(agentIn(leases).scope).toBeUndefined();
    await fixture.clock.advance(10 * MINUTE);
    expect((await brokerErrorOf(() => leases.narrow(agent.id, { scope: READ_ONLY, fit }))).code).toBe("LeaseEnded");
  });

  it("is none that every program has, or of env ROLE", async () => {
    const leases = await new LeaseFixture().start();
    const pinned = await leases.pinned("dev");
    for (const { id } of [pinned, leases.select({ by: "default" })]) {
      expect((await brokerErrorOf(() => leases.narrow(id, { scope: READ_ONLY, fit }))).code).toBe("UsageInvalid");
    }
    expect(leases.list().filter(({ scope }) => scope)).toEqual([]);
  });

  it("is narrowed at once where that cannot be saved, which is told, and saved by the next sweep", async () => {
    const { leases, agent, fixture } = await agentWith(undefined);
    fixture.faults.diskFull = true;
    await expect(leases.narrow(agent.id, { scope: READ_ONLY, fit })).rejects.toThrow();
    expect(agentIn(leases).scope).toEqual(READ_ONLY);

    fixture.faults.diskFull = false;
    await leases.sweep();
    expect(agentIn(await fixture.start()).scope).toEqual(READ_ONLY);
  });

  it("is on disk when it is acknowledged, at whatever step a crash comes", async () => {
    for (let crashAt = 0; ; crashAt++) {
      const { leases, agent, fixture } = await agentWith(undefined);
      fixture.faults.steps = 0;
      fixture.faults.crashAt = crashAt;
      const outcome = await leases.narrow(agent.id, { scope: READ_ONLY, fit }).catch(() => "crashed" as const);
      fixture.faults.crashAt = undefined;

      const { scope } = agentIn(await fixture.start());
      if (outcome === "crashed") expect([undefined, READ_ONLY]).toContainEqual(scope);
      else expect(scope).toEqual(READ_ONLY);
      if (outcome !== "crashed") break;
      expect(crashAt).toBeLessThan(20);
    }
  });
});

describe("what a narrowed lease goes through", () => {
  async function granted(scope: LeaseScope | null) {
    const made = await agentWith({ services: ["ec2", "s3"] });
    const now = made.fixture.clock.now();
    const grant: Grant = {
      role: "prod",
      digest: "a".repeat(64),
      grantedAt: now,
      until: now + 10 * MINUTE,
      request: "abcdef",
    };
    await made.leases.assign(made.agent.id, "prod", { until: grant.until, grant, scope, evenPinned: true });
    return { ...made, until: grant.until };
  }

  it("does not give back what it had: use, lease set, a new token, another holder, a restart", async () => {
    const { leases, agent, fixture } = await agentWith(undefined);
    await leases.narrow(agent.id, { scope: READ_ONLY, fit });

    await leases.assign(agent.id, "prod", { until: fixture.clock.now() + MINUTE, evenPinned: true });
    await leases.assign(agent.id, "staging");
    await leases.rotate(agent.id);
    await leases.renameRoles((role) => (role === "dev" ? "develop" : role));
    expect(agentIn(leases).scope).toEqual(READ_ONLY);
    await fixture.clock.advance(2 * MINUTE);
    await leases.sweep();
    expect(agentIn(leases).scope).toEqual(READ_ONLY);
    expect(agentIn(await fixture.start()).scope).toEqual(READ_ONLY);
  });

  it("narrows what a request gave, and what is there after it", async () => {
    const { leases, agent, until, fixture } = await granted(null);

    await leases.narrow(agent.id, { scope: { services: ["s3:read"] }, fit });

    expect([agentIn(leases).scope, ownScope(agentIn(leases))]).toEqual([
      { services: ["s3:read"] },
      { services: ["s3:read"] },
    ]);
    for (const one of [agentIn(leases), agentIn(await fixture.start())]) {
      expect(leaseAt(one, until)).toMatchObject({ role: "dev", scope: { services: ["s3:read"] } });
    }
    await leases.withdraw(({ request }) => request === "abcdef");
    expect(agentIn(leases)).toMatchObject({ role: "dev", scope: { services: ["s3:read"] } });
  });

  it("is refused where it would widen the one or the other", async () => {
    const { leases, agent } = await granted({ services: ["s3:read"] });
    for (const services of [["s3"], ["ec2"], ["iam"]]) {
      expect((await brokerErrorOf(() => leases.narrow(agent.id, { scope: { services }, fit }))).code).toBe(
        "ScopeRefused",
      );
    }
  });
});

describe("what programs of a narrowed lease made", () => {
  async function family() {
    const made = await agentWith(undefined);
    const { leases, fixture } = made;
    const holder = fixture.processes.start(77);
    const child = async (madeBy: Lease, scope?: LeaseScope): Promise<Lease> =>
      (
        await leases.createChild({
          role: "dev",
          holder: fixture.processes.start(78),
          expiresAt: null,
          madeBy,
          ...(scope && { scope }),
        })
      ).lease;
    const middle = (await leases.createChild({ role: "dev", holder, expiresAt: null, madeBy: made.agent })).lease;
    const last = await child(middle, { services: ["ec2", "s3"] });
    const byId = (id: string) => leases.select({ by: "id", id });
    return { ...made, child, middle, last, byId };
  }

  it("is narrowed with it, each to what it has in common, also what is made by what was made", async () => {
    const { leases, agent, middle, last, byId, fixture } = await family();
    const beside = await leases.createNamed({ name: "beside", role: "dev", expiresAt: null });
    const end = fixture.clock.now() + MINUTE;

    const [, ...made] = await leases.narrow(agent.id, { scope: { services: ["iam", "s3:read"] }, expiresAt: end, fit });

    expect(made.map(({ id }) => id)).toEqual([middle.id, last.id]);
    expect(byId(middle.id)).toMatchObject({ scope: { services: ["iam", "s3:read"] }, expiresAt: end });
    expect(byId(last.id)).toMatchObject({ scope: { services: ["s3:read"] }, expiresAt: end });
    expect(byId(beside.id).scope).toBeUndefined();
    const after = await fixture.start();
    expect(after.select({ by: "id", id: last.id }).scope).toEqual({ services: ["s3:read"] });
  });

  it("is narrowed with it also after what made it has ended, and after a restart", async () => {
    const { agent, middle, last, fixture } = await family();
    fixture.processes.end(77);
    const after = await fixture.start();
    expect(() => after.select({ by: "id", id: middle.id })).toThrow();

    const [, ...made] = await after.narrow(agent.id, { scope: READ_ONLY, fit });

    expect(made).toMatchObject([{ id: last.id, scope: { services: ["ec2:read", "s3:read"] } }]);
  });

  it("that cannot be narrowed so is named, and nothing changes", async () => {
    const { leases, agent, middle, child, byId } = await family();
    const other = await child(middle, { policy: S3 });

    const error = await brokerErrorOf(() => leases.narrow(agent.id, { scope: { policy: EC2 }, fit }));

    expect([error.code, error.hint]).toEqual(["ScopeRefused", `brokerctl lease revoke ${other.id}`]);
    expect([byId(agent.id).scope, byId(middle.id).scope]).toEqual([undefined, undefined]);
    await leases.revoke(other.id);
    await leases.narrow(agent.id, { scope: { policy: EC2 }, fit });
    expect(byId(middle.id).scope).toEqual({ policy: EC2 });
  });

  it("is not the lease of env ROLE, which is for all who ask for it", async () => {
    const { leases, agent } = await family();
    const { id } = await leases.pinned("dev", { madeBy: agentIn(leases) });

    await leases.narrow(agent.id, { scope: READ_ONLY, fit });

    expect(leases.select({ by: "id", id }).scope).toBeUndefined();
    expect((await leases.pinned("dev", { madeBy: agentIn(leases) })).id).toBe(id);
  });

  it("is not made by what the lease had before: a program that asked first comes second", async () => {
    const { leases, agent, fixture } = await family();
    const before = agentIn(leases);
    const narrowing = leases.narrow(agent.id, { scope: READ_ONLY, fit });
    const holder = fixture.processes.start(79);

    for (const make of [
      () => leases.createChild({ role: "dev", holder, expiresAt: null, madeBy: before }),
      () => leases.createNamed({ name: "mine", role: "dev", expiresAt: null, madeBy: before }),
      async () => narrowing.then(() => leases.pinned("dev", { madeBy: before })),
    ]) {
      expect((await brokerErrorOf(make)).code).toBe("Conflict");
    }
    await narrowing;
    expect(
      leases
        .list()
        .filter(({ scope }) => !scope)
        .map(({ kind }) => kind),
    ).toEqual(["default"]);
  });
});
