import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Grant, leaseAt, ownScope } from "../../src/core/lease.js";
import type { LeaseScope } from "../../src/core/lease-scope.js";
import type { LeaseRegistry } from "../../src/leases/lease-registry.js";
import { LeaseFixture } from "../support/lease-fixture.js";

const MINUTE = 60_000;
const READ_ONLY: LeaseScope = { readOnly: true };
const POLICY = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "*" }],
});
const EVERYTHING: LeaseScope = {
  services: ["ec2", "s3:read"],
  policy: POLICY,
  policyArns: ["arn:aws:iam::aws:policy/SecurityAudit"],
  sessionSeconds: 60,
  description: "credbroker: lease agent",
};

const agentIn = (leases: LeaseRegistry) => leases.select({ by: "name", name: "agent" });

async function widened(fixture: LeaseFixture, leases: LeaseRegistry): Promise<Grant> {
  const { id } = await leases.createNamed({
    name: "agent",
    role: "dev",
    expiresAt: null,
    pinned: true,
    scope: READ_ONLY,
  });
  const now = fixture.clock.now();
  const grant = { role: "dev", digest: "a".repeat(64), grantedAt: now, until: now + 10 * MINUTE, request: "abcdef" };
  await leases.assign(id, "dev", { until: grant.until, grant, scope: null, evenPinned: true });
  return grant;
}

describe("a lease's scope", () => {
  it("is there after a restart, of a lease that lasts and of one that ends with a process", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const holder = fixture.processes.start(77);
    await leases.createNamed({ name: "agent", role: "dev", expiresAt: null, scope: EVERYTHING });
    const { lease } = await leases.createChild({ role: "dev", holder, expiresAt: null, scope: READ_ONLY });

    const after = await fixture.start();

    expect(agentIn(after).scope).toEqual(EVERYTHING);
    expect(after.select({ by: "id", id: lease.id }).scope).toEqual(READ_ONLY);
  });

  it("that is not understood is never taken for none", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    await leases.createNamed({ name: "agent", role: "dev", expiresAt: null, scope: READ_ONLY });
    const text = readFileSync(fixture.path, "utf8");

    for (const scope of ["{}", '{"readOnly":false}', '{"services":[]}', '{"more":1}', "null", "[]"]) {
      writeFileSync(fixture.path, text.replace('{"readOnly":true}', scope));
      await expect(fixture.startLocked(), scope).rejects.toThrow();
    }
  });

  it.each([
    [2, 1],
    [3, 2],
  ])(
    "is read out of files of versions before, %i and %i, which are written as new ones",
    async (older, olderJournal) => {
      const fixture = new LeaseFixture();
      const leases = await fixture.start();
      const holder = fixture.processes.start(77);
      await leases.createNamed({ name: "agent", role: "dev", expiresAt: null, pinned: true });
      const { lease } = await leases.createChild({ role: "dev", holder, expiresAt: null });
      const journal = fixture.path.replace("leases.json", "child-leases.jsonl");
      writeFileSync(fixture.path, readFileSync(fixture.path, "utf8").replace('"version": 4', `"version": ${older}`));
      writeFileSync(journal, readFileSync(journal, "utf8").replace('"version":3', `"version":${olderJournal}`));

      const after = await fixture.start();
      await after.createChild({ role: "dev", holder, expiresAt: null, scope: READ_ONLY });

      expect(agentIn(after)).toMatchObject({ role: "dev", pinned: true });
      expect(after.select({ by: "id", id: lease.id }).role).toBe("dev");
      expect(existsSync(journal) && readFileSync(journal, "utf8").split("\n")[0]).toBe('{"version":3}');
      expect((await fixture.start()).list().filter(({ scope }) => scope)).toHaveLength(1);
    },
  );

  it("gives way to what a request gave until its end, also over a restart", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const { until } = await widened(fixture, leases);
    expect([agentIn(leases).scope, ownScope(agentIn(leases))]).toEqual([undefined, READ_ONLY]);

    const after = await fixture.start();
    expect(agentIn(after).scope).toBeUndefined();
    expect(leaseAt(agentIn(after), until).scope).toEqual(READ_ONLY);
    await fixture.clock.advance(10 * MINUTE);
    await after.sweep();

    expect(agentIn(after)).toMatchObject({ role: "dev", scope: READ_ONLY });
    expect([agentIn(after).temporary, agentIn(after).grants]).toEqual([undefined, undefined]);
  });

  it("is back at once where the grant is taken back", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    await widened(fixture, leases);

    await leases.withdraw(({ request }) => request === "abcdef");

    expect(agentIn(leases)).toMatchObject({ role: "dev", scope: READ_ONLY });
  });

  it("is that of the lease again after the clock was set back", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    await widened(fixture, leases);

    await leases.clockSetBack(30 * MINUTE);

    expect(agentIn(leases).scope).toEqual(READ_ONLY);
  });

  it("of env ROLE is found again by role and scope, and moves with the name of its role", async () => {
    const leases = await new LeaseFixture().start();
    const whole = await leases.pinned("dev");
    const narrow = await leases.pinned("dev", { scope: READ_ONLY });

    expect((await leases.pinned("dev", { scope: { readOnly: true } })).id).toBe(narrow.id);
    expect([whole.scope, narrow.scope]).toEqual([undefined, READ_ONLY]);
    await leases.renameRoles((role) => (role === "dev" ? "develop" : role));
    expect((await leases.pinned("develop", { scope: READ_ONLY })).id).toBe(narrow.id);
  });
});
