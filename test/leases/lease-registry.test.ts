import { readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hashLeaseToken, LEASE_TOKEN_PATTERN, newLeaseToken } from "../../src/core/lease.js";
import type { LeaseRegistry } from "../../src/leases/lease-registry.js";
import { MAX_LEASES, RESERVED_FOR_CHILDREN } from "../../src/leases/lease-terms.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { LeaseFixture } from "../support/lease-fixture.js";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

async function tokenOf(leases: LeaseRegistry, name: string): Promise<string> {
  return (await leases.access(leases.select({ by: "name", name }))).reveal();
}

async function codeOf(action: () => unknown): Promise<string> {
  return (await brokerErrorOf(action)).code;
}

describe("the default lease", () => {
  it("the default lease is made once the secret store is open, with a token of the promised form", async () => {
    const leases = await new LeaseFixture().start();

    const lease = leases.select({ by: "default" });
    const token = (await leases.access(lease)).reveal();

    expect(token).toMatch(LEASE_TOKEN_PATTERN);
    expect(leases.resolve(token)).toEqual(lease);
    expect(lease).toMatchObject({ id: "default", kind: "default", name: "default", role: null, expiresAt: null });
    expect(leases.roleOf(lease)).toBeNull();
  });

  it("the default lease keeps token and role over a restart", async () => {
    const fixture = new LeaseFixture();
    const before = await fixture.start();
    const token = await tokenOf(before, "default");
    await before.assign("default", "dev");

    const after = await fixture.start();

    expect(await tokenOf(after, "default")).toBe(token);
    expect(after.roleOf(after.resolve(token))).toBe("dev");
  });

  it("the default lease is found by its token after a restart while the secret store is locked", async () => {
    const fixture = new LeaseFixture();
    const token = await tokenOf(await fixture.start(), "default");

    fixture.secrets.locked = true;
    const leases = await fixture.startLocked();

    expect(leases.resolve(token).id).toBe("default");
    expect(await codeOf(() => leases.access(leases.select({ by: "default" })))).toBe("StoreLocked");
    expect(await codeOf(() => leases.reconcile())).toBe("StoreLocked");
  });

  it("the default lease cannot be asked for before the secret store was ever open", async () => {
    const fixture = new LeaseFixture();
    fixture.secrets.locked = true;
    const leases = await fixture.startLocked();

    const error = await brokerErrorOf(() => leases.select({ by: "default" }));

    expect(error).toMatchObject({ code: "StoreLocked", hint: "brokerctl unlock" });
  });

  it("the default lease is not revoked, and says how to replace its token", async () => {
    const leases = await new LeaseFixture().start();

    const error = await brokerErrorOf(() => leases.revoke("default"));

    expect(error).toMatchObject({ code: "UsageInvalid", hint: "brokerctl lease rotate default" });
  });
});

describe("looking a lease up", () => {
  it("a look-up refuses tokens that are unknown, of another form, or nearly right", async () => {
    const leases = await new LeaseFixture().start();
    const token = await tokenOf(leases, "default");
    const wrong = ["", "x", token.slice(0, -1), `${token}A`, ` ${token}`, `${token}\n`, token.toUpperCase()];

    for (const text of [...wrong, newLeaseToken().reveal(), "brk_", "a".repeat(1_000_000)]) {
      expect(await codeOf(() => leases.resolve(text)), text.slice(0, 60)).toBe("LeaseUnknown");
    }
  });

  it("a lease is selected by name, id and token", async () => {
    const leases = await new LeaseFixture().start();
    const ide = await leases.createNamed({ name: "ide", role: "dev", expiresAt: null });
    const token = await tokenOf(leases, "ide");

    expect(leases.select({ by: "name", name: "ide" })).toEqual(ide);
    expect(leases.select({ by: "id", id: ide.id })).toEqual(ide);
    expect(leases.select({ by: "token", token })).toEqual(ide);
    expect(leases.select({ by: "name", name: "default" }).id).toBe("default");
    expect(await codeOf(() => leases.select({ by: "name", name: "missing" }))).toBe("LeaseUnknown");
    expect(await codeOf(() => leases.select({ by: "id", id: "missing" }))).toBe("LeaseUnknown");
  });

  it("a registry answers nothing, and writes nothing, before the leases were read", async () => {
    const fixture = new LeaseFixture();
    const leases = fixture.registry();

    expect(await codeOf(() => leases.resolve(newLeaseToken().reveal()))).toBe("StoreUnavailable");
    expect(await codeOf(() => leases.select({ by: "default" }))).toBe("StoreUnavailable");
    expect(await codeOf(() => leases.list())).toBe("StoreUnavailable");
    expect(await codeOf(() => leases.reconcile())).toBe("StoreUnavailable");
    await leases.sweep();
    await leases.flush();
    expect(fixture.writes).toBe(0);
  });
});

describe("leases.json", () => {
  it("leases.json is 0600 and holds hashes, never a token", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    await leases.createNamed({ name: "ide", role: null, expiresAt: null });
    const child = await leases.createChild({ role: "dev", holder: fixture.processes.start(7), expiresAt: null });
    const tokens = [await tokenOf(leases, "default"), await tokenOf(leases, "ide"), child.token.reveal()];

    const text = readFileSync(fixture.path, "utf8");

    expect(statSync(fixture.path).mode & 0o777).toBe(0o600);
    for (const token of tokens) expect(text).not.toContain(token.slice(4));
    expect(JSON.stringify(fixture.logger.lines)).not.toMatch(/brk_/);
  });
});

describe("pinned leases", () => {
  it("pinned leases are one a role, however often and by how many programs they are asked for", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();

    const made = await Promise.all(Array.from({ length: 20 }, () => leases.pinned("dev")));
    const again = await (await fixture.start()).pinned("dev");

    expect(new Set(made.map(({ id }) => id))).toEqual(new Set([again.id]));
    expect(again).toMatchObject({ name: "role:dev", role: "dev", followsDefault: false, expiresAt: null });
    expect(leases.list()).toHaveLength(2);
  });

  it("pinned leases keep their role", async () => {
    const leases = await new LeaseFixture().start();
    const { id } = await leases.pinned("dev");

    expect(await codeOf(() => leases.assign(id, "prod"))).toBe("LeasePinned");
    expect(leases.select({ by: "id", id }).role).toBe("dev");
  });
});

describe("named leases", () => {
  it("named leases follow the default lease when they have no role of their own", async () => {
    const leases = await new LeaseFixture().start();
    const ide = await leases.createNamed({ name: "ide", role: null, expiresAt: null });
    expect(leases.roleOf(ide)).toBeNull();

    await leases.assign("default", "dev");

    expect(leases.roleOf(ide)).toBe("dev");
  });

  it("named leases cannot take a name that lives, under whatever race, and can take one that ended", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const create = (): Promise<unknown> => leases.createNamed({ name: "ide", role: null, expiresAt: null });

    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, create));
    expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect(await codeOf(create)).toBe("Conflict");

    const old = await tokenOf(leases, "ide");
    await leases.revoke(leases.select({ by: "name", name: "ide" }).id);
    await create();
    expect(await tokenOf(leases, "ide")).not.toBe(old);
    expect(await codeOf(() => leases.resolve(old))).toBe("LeaseEnded");
  });

  it("named leases can take the name of one that has expired but was not swept", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    await leases.createNamed({ name: "ide", role: null, expiresAt: fixture.clock.now() + MINUTE });
    const old = await tokenOf(leases, "ide");
    fixture.clock.jump(MINUTE);

    const next = await leases.createNamed({ name: "ide", role: "dev", expiresAt: null });

    expect(leases.resolve(await tokenOf(leases, "ide")).id).toBe(next.id);
    expect(await codeOf(() => leases.resolve(old))).toBe("LeaseEnded");
    expect(await fixture.secrets.keys("lease:")).toHaveLength(2);
  });

  it.each(["default", "role:dev", "", "-x", "a b", "ä", "a".repeat(129), "__proto__"])(
    "named leases cannot be called %j",
    async (name) => {
      const leases = await new LeaseFixture().start();

      const error = await brokerErrorOf(() => leases.createNamed({ name, role: null, expiresAt: null }));

      expect(error).toMatchObject({ code: "UsageInvalid", hint: expect.any(String) as string });
    },
  );

  it("leases are not made with an end or a role that is not valid, nor while the secret store is locked", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const past = { name: "a", role: null, expiresAt: fixture.clock.now() };

    expect(await codeOf(() => leases.createNamed(past))).toBe("UsageInvalid");
    expect(await codeOf(() => leases.createNamed({ ...past, expiresAt: Number.NaN }))).toBe("UsageInvalid");
    expect(await codeOf(() => leases.createNamed({ ...past, role: "", expiresAt: null }))).toBe("UsageInvalid");
    expect(await codeOf(() => leases.pinned("x".repeat(1025)))).toBe("UsageInvalid");
    await leases.revoke((await leases.pinned("x".repeat(1024))).id);
    fixture.secrets.locked = true;
    expect(await codeOf(() => leases.createNamed({ ...past, expiresAt: null }))).toBe("StoreLocked");
    expect(leases.list()).toHaveLength(1);
  });

  it("named leases end at their hour by the wall clock, without any sweep", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const { id } = await leases.createNamed({ name: "ide", role: null, expiresAt: fixture.clock.now() + 30 * MINUTE });
    const token = await tokenOf(leases, "ide");

    fixture.clock.jump(30 * MINUTE - 1);
    expect(leases.resolve(token).name).toBe("ide");
    fixture.clock.jump(1);

    expect(await codeOf(() => leases.resolve(token))).toBe("LeaseEnded");
    expect(await codeOf(() => leases.select({ by: "name", name: "ide" }))).toBe("LeaseEnded");
    expect(await codeOf(() => leases.assign(id, "dev"))).toBe("LeaseEnded");
    expect(leases.list().map(({ name }) => name)).toEqual(["default"]);
    await leases.sweep();
    expect(await codeOf(() => leases.resolve(token))).toBe("LeaseEnded");
    expect(await fixture.secrets.keys("lease:")).toEqual(["lease:default"]);
  });
});

describe("child leases", () => {
  it("child leases tell their token once and keep none", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();

    const { lease, token } = await leases.createChild({
      role: "dev",
      holder: fixture.processes.start(7),
      expiresAt: null,
    });

    expect(leases.resolve(token.reveal())).toEqual(lease);
    expect(await brokerErrorOf(() => leases.access(lease))).toMatchObject({
      code: "UsageInvalid",
      hint: 'eval "$(brokerctl env)"',
    });
    expect(await fixture.secrets.keys("lease:")).toEqual(["lease:default"]);
  });

  it("child leases work while the secret store is locked", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    fixture.secrets.locked = true;

    const { token } = await leases.createChild({ role: null, holder: fixture.processes.start(7), expiresAt: null });

    expect(leases.resolve(token.reveal()).kind).toBe("child");
  });

  it("child leases outlive the daemon and end with their process", async () => {
    const fixture = new LeaseFixture();
    const before = await fixture.start();
    const { token } = await before.createChild({ role: null, holder: fixture.processes.start(7), expiresAt: null });

    const leases = await fixture.start();
    expect(leases.resolve(token.reveal()).kind).toBe("child");
    fixture.processes.end(7);
    await leases.sweep();

    expect(await codeOf(() => leases.resolve(token.reveal()))).toBe("LeaseEnded");
  });

  it("child leases end when their pid has become another process", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const { token } = await leases.createChild({ role: null, holder: fixture.processes.start(7), expiresAt: null });

    fixture.processes.start(7);
    await leases.sweep();

    expect(await codeOf(() => leases.resolve(token.reveal()))).toBe("LeaseEnded");
  });

  it("child leases whose process ended while the daemon was down are over from the start", async () => {
    const fixture = new LeaseFixture();
    const before = await fixture.start();
    const { token } = await before.createChild({ role: null, holder: fixture.processes.start(7), expiresAt: null });
    fixture.processes.end(7);

    const leases = await fixture.startLocked();

    expect(await codeOf(() => leases.resolve(token.reveal()))).toBe("LeaseEnded");
  });

  it("child leases can be handed to the process that was started with them", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const { lease, token } = await leases.createChild({
      role: null,
      holder: fixture.processes.start(7),
      expiresAt: null,
    });

    await leases.handOver(lease.id, fixture.processes.start(8));
    fixture.processes.end(7);
    await leases.sweep();
    expect(leases.resolve(token.reveal()).holder?.pid).toBe(8);

    fixture.processes.end(8);
    await leases.sweep();
    expect(await codeOf(() => leases.handOver(lease.id, fixture.processes.start(9)))).toBe("LeaseEnded");
    expect(await codeOf(() => leases.handOver("default", fixture.processes.start(9)))).toBe("UsageInvalid");
  });

  it("child leases are limited in number, so that a broken start file cannot fill the disk", async () => {
    const fixture = new LeaseFixture();
    const holder = fixture.processes.start(7);
    const leases = await fixture.startWith(
      Array.from({ length: MAX_LEASES - 2 }, (_, index) => ({
        ...{ id: `child-${index}`, kind: "child", tokenHash: hashLeaseToken(`${index}`), role: null, holder },
        ...{ followsDefault: true, createdAt: 0, expiresAt: null, lastUsedAt: null },
      })),
    );
    const terms = { role: null, holder, expiresAt: null };
    await leases.createChild(terms);

    expect(leases.list()).toHaveLength(MAX_LEASES);
    expect(await codeOf(() => leases.createChild(terms))).toBe("Conflict");
    fixture.processes.end(7);
    await leases.sweep();
    expect(leases.list()).toHaveLength(1);
    await leases.createChild({ ...terms, holder: fixture.processes.start(8) });
  });

  it("named and pinned leases leave space for child leases, and the error names one to revoke", async () => {
    const fixture = new LeaseFixture();
    const holder = fixture.processes.start(7);
    const leases = await fixture.startWith([
      ...Array.from({ length: MAX_LEASES - RESERVED_FOR_CHILDREN - 1 }, (_, index) => ({
        ...{
          id: `named-${index}`,
          kind: "named" as const,
          name: `agent-${index}`,
          tokenHash: hashLeaseToken(`${index}`),
        },
        ...{ role: null, followsDefault: true, createdAt: 1000, expiresAt: null, lastUsedAt: index === 5 ? 0 : null },
      })),
      ...Array.from({ length: RESERVED_FOR_CHILDREN - 1 }, (_, index) => ({
        ...{
          id: `child-${index}`,
          kind: "child" as const,
          tokenHash: hashLeaseToken(`child-${index}`),
          role: null,
          holder,
        },
        ...{ followsDefault: true, createdAt: 0, expiresAt: null, lastUsedAt: null },
      })),
    ]);
    const error = await brokerErrorOf(() => leases.createNamed({ name: "more", role: null, expiresAt: null }));
    expect(error.code).toBe("Conflict");
    expect(error.message).toBe(
      "there are 19999 leases already: 17999 named, 0 of env ROLE, 1999 of programs and shells",
    );
    expect(error.hint).toBe("brokerctl lease revoke agent-5    # the longest unused; all: brokerctl lease list");
    expect(await codeOf(() => leases.pinned("dev"))).toBe("Conflict");
    const terms = { role: "dev", holder, expiresAt: null };
    await leases.createChild(terms);
    expect(await codeOf(() => leases.createChild(terms))).toBe("Conflict");
    await leases.revoke("named-5");
    await leases.createChild(terms);
  });

  it("child leases that ended leave a limited trace, the newest", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const rotated = await tokenOf(leases, "default");
    await leases.rotate("default");
    const tokens: string[] = [];
    for (let made = 0; made < 250; made++) {
      const { lease, token } = await leases.createChild({
        role: null,
        holder: fixture.processes.start(7),
        expiresAt: null,
      });
      tokens.push(token.reveal());
      await leases.revoke(lease.id);
    }
    await leases.sweep();

    expect(await codeOf(() => leases.resolve(tokens[49]!))).toBe("LeaseUnknown");
    expect(await codeOf(() => leases.resolve(tokens[50]!))).toBe("LeaseEnded");
    expect(await codeOf(() => leases.resolve(rotated))).toBe("LeaseEnded");
  });
});

describe("use", () => {
  it("use moves a lease and remembers the way back", async () => {
    const leases = await new LeaseFixture().start();
    await leases.assign("default", "dev");
    await leases.assign("default", "prod");
    const again = await leases.assign("default", "prod");

    expect(again).toMatchObject({ role: "prod", previousRole: "dev" });
  });

  it("use takes a shell's lease off the default lease, and back", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    await leases.assign("default", "dev");
    const { lease } = await leases.createChild({ role: null, holder: fixture.processes.start(7), expiresAt: null });

    const moved = await leases.assign(lease.id, "prod");
    expect(leases.roleOf(moved)).toBe("prod");
    expect(moved).toMatchObject({ followsDefault: false, previousRole: null });
    expect(leases.roleOf(leases.select({ by: "default" }))).toBe("dev");

    const back = await leases.assign(lease.id, null);
    expect(back.followsDefault).toBe(true);
    expect(leases.roleOf(back)).toBe("dev");
  });

  it("use without a role leaves the default lease with none, and it follows nothing", async () => {
    const leases = await new LeaseFixture().start();
    await leases.assign("default", "dev");

    const lease = await leases.assign("default", null);

    expect(lease).toMatchObject({ role: null, followsDefault: false, previousRole: "dev" });
    expect(leases.roleOf(lease)).toBeNull();
  });

  it("use --for falls back at its end, by the wall clock and without any sweep", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const { id } = await leases.createNamed({ name: "ide", role: null, expiresAt: null });
    await leases.assign("default", "dev");
    await leases.assign("default", "prod", { until: fixture.clock.now() + 30 * MINUTE });
    expect(leases.roleOf(leases.select({ by: "id", id }))).toBe("prod");

    fixture.clock.jump(30 * MINUTE);

    const lease = leases.select({ by: "default" });
    expect(lease).toMatchObject({ role: "dev", previousRole: "prod" });
    expect(lease.temporary).toBeUndefined();
    expect(leases.roleOf(leases.select({ by: "id", id }))).toBe("dev");
    await leases.sweep();
    fixture.clock.jump(-30 * MINUTE);
    expect(leases.select({ by: "default" }).role, "a fall-back that was saved stays").toBe("dev");
  });

  it("use --for on a lease that followed lets it follow again", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    await leases.assign("default", "dev");
    const { lease } = await leases.createChild({ role: null, holder: fixture.processes.start(7), expiresAt: null });
    await leases.assign(lease.id, "prod", { until: fixture.clock.now() + MINUTE });

    fixture.clock.jump(MINUTE);

    expect(leases.select({ by: "id", id: lease.id })).toMatchObject({ followsDefault: true, role: null });
    expect(leases.roleOf(lease)).toBe("dev");
  });

  it("use --for twice falls back to what was chosen for good", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    await leases.assign("default", "dev");
    await leases.assign("default", "prod", { until: fixture.clock.now() + MINUTE });
    await leases.assign("default", "audit", { until: fixture.clock.now() + 2 * MINUTE });

    fixture.clock.jump(MINUTE);
    expect(leases.select({ by: "default" }).role).toBe("audit");
    fixture.clock.jump(MINUTE);
    expect(leases.select({ by: "default" }).role).toBe("dev");
  });

  it("use without --for ends an earlier --for", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    await leases.assign("default", "prod", { until: fixture.clock.now() + MINUTE });
    await leases.assign("default", "dev");

    fixture.clock.jump(MINUTE);

    expect(leases.select({ by: "default" }).role).toBe("dev");
  });

  it("use --for survives a restart and refuses an end in the past", async () => {
    const fixture = new LeaseFixture();
    const before = await fixture.start();
    await before.assign("default", "dev");
    await before.assign("default", "prod", { until: fixture.clock.now() + MINUTE });
    expect(await codeOf(() => before.assign("default", "x", { until: fixture.clock.now() }))).toBe("UsageInvalid");

    const leases = await fixture.start();
    expect(leases.select({ by: "default" }).role).toBe("prod");
    fixture.clock.jump(MINUTE);
    expect((await fixture.start()).select({ by: "default" }).role).toBe("dev");
  });
});

describe("revoke, and changes that cannot be saved", () => {
  it("revoke ends a lease and forgets its token, also while the secret store is locked", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const { id } = await leases.pinned("dev");
    const token = await tokenOf(leases, "role:dev");

    fixture.secrets.locked = true;
    const revoked = await leases.revoke(id);
    expect(revoked.endedAt).toBe(fixture.clock.now());
    expect(fixture.logger.lines.at(-1)).toMatchObject({ level: "info", fields: { leases: [id], code: "StoreLocked" } });
    expect(await codeOf(() => leases.resolve(token))).toBe("LeaseEnded");
    expect(await codeOf(() => leases.select({ by: "id", id }))).toBe("LeaseEnded");
    expect(await codeOf(() => leases.revoke(id))).toBe("LeaseEnded");
    expect(await codeOf(() => leases.access(revoked))).toBe("LeaseEnded");

    fixture.secrets.locked = false;
    await leases.reconcile();
    expect(await fixture.secrets.keys("lease:")).toEqual(["lease:default"]);
    const again = await leases.pinned("dev");
    expect(again.id).not.toBe(id);
    await leases.revoke(again.id);
    expect(await fixture.secrets.keys("lease:"), "at once where the store is open").toEqual(["lease:default"]);
  });

  it("revoke ends a lease even when that cannot be saved, and it is saved later", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const { id } = await leases.createNamed({ name: "ide", role: null, expiresAt: null });
    const token = await tokenOf(leases, "ide");

    fixture.faults.diskFull = true;
    expect(await codeOf(() => leases.revoke(id))).toBe("StoreUnavailable");
    expect(await codeOf(() => leases.resolve(token))).toBe("LeaseEnded");
    await leases.sweep();
    expect(leases.saveProblem).toContain("leases cannot be saved");

    fixture.faults.diskFull = false;
    await leases.sweep();
    expect(leases.saveProblem).toBeUndefined();
    expect(await codeOf(async () => (await fixture.startLocked()).resolve(token))).toBe("LeaseEnded");
  });

  it("no lease is made or moved when that cannot be saved", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    await leases.assign("default", "dev");
    fixture.faults.diskFull = true;

    const terms = { role: null, holder: fixture.processes.start(7), expiresAt: null };
    expect(await codeOf(() => leases.createChild(terms))).toBe("StoreUnavailable");
    expect(await codeOf(() => leases.createNamed({ ...terms, name: "ide" }))).toBe("StoreUnavailable");
    expect(await codeOf(() => leases.assign("default", "prod"))).toBe("StoreUnavailable");

    expect(leases.list()).toHaveLength(1);
    expect(leases.select({ by: "default" }).role).toBe("dev");
    expect(await fixture.secrets.keys("lease:")).toEqual(["lease:default"]);
  });
});

describe("a lease that is held in hand", () => {
  it("a lease held in hand has the role it had once it is gone, and none while there is nothing to follow", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const lease = await leases.pinned("dev");
    await leases.revoke(lease.id);
    expect(leases.roleOf(lease)).toBe("dev");

    const other = new LeaseFixture();
    other.secrets.locked = true;
    const empty = await other.startLocked();
    const child = await empty.createChild({ role: null, holder: other.processes.start(7), expiresAt: null });
    expect(empty.roleOf(child.lease)).toBeNull();
  });
});

describe("last use", () => {
  it("last use costs no write, is told at once, and is saved by the sweep after a minute", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const lease = leases.select({ by: "default" });
    const writes = fixture.writes;

    for (let use = 0; use < 100; use++) leases.lookup.touch(lease);
    expect(leases.list()[0]?.lastUsedAt).toBe(fixture.clock.now());
    const used = fixture.clock.now();
    fixture.clock.jump(MINUTE - 1);
    await leases.sweep();
    expect(fixture.writes).toBe(writes);

    fixture.clock.jump(1);
    await leases.sweep();
    await leases.sweep();
    expect(fixture.writes).toBe(writes + 1);
    expect((await fixture.startLocked()).list()[0]?.lastUsedAt).toBe(used);
  });

  it("last use goes along with any other write, and is saved at the end", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    leases.lookup.touch(leases.select({ by: "default" }));
    const first = fixture.clock.now();
    await leases.assign("default", "dev");
    expect((await fixture.startLocked()).list()[0]?.lastUsedAt).toBe(first);

    fixture.clock.jump(1000);
    leases.lookup.touch(leases.select({ by: "default" }));
    await leases.flush();
    const writes = fixture.writes;
    await leases.flush();
    expect(fixture.writes).toBe(writes);
    expect((await fixture.startLocked()).list()[0]?.lastUsedAt).toBe(first + 1000);
  });

  it("last use is not forgotten when it falls into a write", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    const lease = leases.select({ by: "default" });
    leases.lookup.touch(lease);
    fixture.duringWrite = () => {
      fixture.clock.jump(1000);
      leases.lookup.touch(lease);
    };
    await leases.assign("default", "dev");
    fixture.duringWrite = () => undefined;
    const last = fixture.clock.now();

    expect(leases.list()[0]?.lastUsedAt).toBe(last);
    await leases.flush();
    expect((await fixture.startLocked()).list()[0]?.lastUsedAt).toBe(last);
  });

  it("last use is saved although the clock was set back", async () => {
    const fixture = new LeaseFixture();
    const leases = await fixture.start();
    leases.lookup.touch(leases.select({ by: "default" }));
    const writes = fixture.writes;

    fixture.clock.jump(-DAY);
    await leases.sweep();

    expect(fixture.writes).toBe(writes + 1);
  });
});
