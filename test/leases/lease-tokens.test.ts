import { describe, expect, it } from "vitest";
import type { LeaseRegistry } from "../../src/leases/lease-registry.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { LeaseFixture } from "../support/lease-fixture.js";

const DAY = 24 * 60 * 60_000;

async function tokenOf(leases: LeaseRegistry, name: string): Promise<string> {
  return (await leases.access(leases.select({ by: "name", name }))).reveal();
}

async function codeOf(action: () => unknown): Promise<string> {
  return (await brokerErrorOf(action)).code;
}

describe("tokens that are kept", () => {
  it("the default lease keeps its token when leases.json is lost", async () => {
    const fixture = new LeaseFixture();
    const token = await tokenOf(await fixture.start(), "default");

    const other = new LeaseFixture();
    await other.secrets.put("lease:default", (await fixture.secrets.get("lease:default"))!);
    const leases = await other.start();

    expect(leases.resolve(token).id).toBe("default");
  });

  it("the default lease gets another token when the secret store is lost, and only that one is good", async () => {
    const fixture = new LeaseFixture();
    const old = await tokenOf(await fixture.start(), "default");
    await fixture.secrets.delete("lease:default");

    const leases = await fixture.start();

    expect(await tokenOf(leases, "default")).not.toBe(old);
    expect(await codeOf(() => leases.resolve(old))).toBe("LeaseEnded");
  });

  it("an old copy of the secret store does not bring an ended token back", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const old = (await fixture.secrets.get("lease:default"))!;
    await leases.rotate("default");
    await fixture.secrets.put("lease:default", old);

    const after = await fixture.start();

    expect(await codeOf(() => after.resolve(old.reveal()))).toBe("LeaseEnded");
    expect(after.resolve(await tokenOf(after, "default")).id).toBe("default");
  });
});

describe("another token", () => {
  it("rotate refuses the old token at once and for a day says why", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const old = await tokenOf(leases, "default");
    await leases.assign("default", "dev");

    const { lease, token } = await leases.rotate("default");

    expect(leases.resolve(token.reveal())).toEqual(lease);
    expect(await tokenOf(leases, "default")).toBe(token.reveal());
    expect(leases.roleOf(lease)).toBe("dev");
    expect(await codeOf(() => leases.resolve(old))).toBe("LeaseEnded");
    expect(await codeOf(async () => (await fixture.start()).resolve(old))).toBe("LeaseEnded");
    fixture.clock.jump(DAY - 1);
    await leases.sweep();
    expect(await codeOf(() => leases.resolve(old))).toBe("LeaseEnded");
    fixture.clock.jump(1);
    await leases.sweep();
    expect(await codeOf(() => leases.resolve(old))).toBe("LeaseUnknown");
  });

  it("rotate works for child leases too", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const child = await leases.createChild({ role: null, holder: fixture.processes.start(7), expiresAt: null });

    const { token } = await leases.rotate(child.lease.id);

    expect(leases.resolve(token.reveal()).id).toBe(child.lease.id);
    expect(await codeOf(() => leases.resolve(child.token.reveal()))).toBe("LeaseEnded");
  });

  it("rotating all refuses all old tokens and ends child leases", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    await leases.pinned("dev");
    const child = await leases.createChild({ role: null, holder: fixture.processes.start(7), expiresAt: null });
    const old = [await tokenOf(leases, "default"), await tokenOf(leases, "role:dev"), child.token.reveal()];

    await leases.rotateAll();

    const kept = (await fixture.secrets.get("lease:default"))!.reveal();
    expect(leases.resolve(kept).id, "without a request for it").toBe("default");
    for (const token of old) expect(await codeOf(() => leases.resolve(token))).toBe("LeaseEnded");
    expect(leases.resolve(await tokenOf(leases, "role:dev")).role).toBe("dev");
    expect(leases.list().map(({ name }) => name)).toEqual(["default", "role:dev"]);
  });

  it("rotating all holds while the secret store is locked, over a restart, and new tokens are made once it opens", async () => {
    const fixture = new LeaseFixture();
    const old = await tokenOf(await fixture.start(), "default");
    fixture.secrets.locked = true;

    await (await fixture.startLocked()).rotateAll();
    const leases = await fixture.startLocked();
    expect(await codeOf(() => leases.resolve(old))).toBe("LeaseEnded");

    fixture.secrets.locked = false;
    await leases.reconcile();
    expect(await codeOf(() => leases.resolve(old))).toBe("LeaseEnded");
    expect(leases.resolve(await tokenOf(leases, "default")).id).toBe("default");
  });

  it("a token revoked by rotating all stays refused when its record is dropped before the secret store opens", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const old = await tokenOf(leases, "default");
    fixture.secrets.locked = true;
    await leases.rotateAll();
    fixture.clock.jump(2 * DAY);
    await leases.sweep();
    expect(await codeOf(() => leases.resolve(old))).toBe("LeaseUnknown");

    fixture.secrets.locked = false;
    const after = await fixture.start();

    expect(await codeOf(() => after.resolve(old))).toBe("LeaseUnknown");
    expect(after.resolve(await tokenOf(after, "default")).id).toBe("default");
  });
});
