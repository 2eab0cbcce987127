import { readFileSync, statSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hashLeaseToken, LEASE_TOKEN_PATTERN, newLeaseToken } from "../../src/core/lease.js";
import type { LeaseRegistry } from "../../src/leases/lease-registry.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { LeaseRoom } from "../support/lease-room.js";

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

async function tokenOf(leases: LeaseRegistry, name: string): Promise<string> {
  return (await leases.access(leases.select({ by: "name", name }))).reveal();
}

async function codeOf(action: () => unknown): Promise<string> {
  return (await brokerErrorOf(action)).code;
}

describe("the default lease", () => {
  it("is made once the secret store is open, with a token of the promised form", async () => {
    const leases = await new LeaseRoom().start();

    const lease = leases.select({ by: "default" });
    const token = (await leases.access(lease)).reveal();

    expect(token).toMatch(LEASE_TOKEN_PATTERN);
    expect(leases.resolve(token)).toEqual(lease);
    expect(lease).toMatchObject({ id: "default", kind: "default", name: "default", role: null, expiresAt: null });
    expect(leases.roleOf(lease)).toBeNull();
  });

  it("keeps token and role over a restart", async () => {
    const room = new LeaseRoom();
    const before = await room.start();
    const token = await tokenOf(before, "default");
    await before.assign("default", "dev");

    const after = await room.start();

    expect(await tokenOf(after, "default")).toBe(token);
    expect(after.roleOf(after.resolve(token))).toBe("dev");
  });

  it("is found by its token after a restart while the secret store is locked", async () => {
    const room = new LeaseRoom();
    const token = await tokenOf(await room.start(), "default");

    room.secrets.locked = true;
    const leases = await room.startLocked();

    expect(leases.resolve(token).id).toBe("default");
    expect(await codeOf(() => leases.access(leases.select({ by: "default" })))).toBe("StoreLocked");
    expect(await codeOf(() => leases.reconcile())).toBe("StoreLocked");
  });

  it("cannot be asked for before the secret store was ever open", async () => {
    const room = new LeaseRoom();
    room.secrets.locked = true;
    const leases = await room.startLocked();

    const error = await brokerErrorOf(() => leases.select({ by: "default" }));

    expect(error).toMatchObject({ code: "StoreLocked", hint: "brokerctl unlock" });
  });

  it("keeps its token when leases.json is lost", async () => {
    const room = new LeaseRoom();
    const token = await tokenOf(await room.start(), "default");

    const other = new LeaseRoom();
    await other.secrets.put("lease:default", (await room.secrets.get("lease:default"))!);
    const leases = await other.start();

    expect(leases.resolve(token).id).toBe("default");
  });

  it("gets another token when the secret store is lost, and only that one is good", async () => {
    const room = new LeaseRoom();
    const old = await tokenOf(await room.start(), "default");
    await room.secrets.delete("lease:default");

    const leases = await room.start();

    expect(await tokenOf(leases, "default")).not.toBe(old);
    expect(await codeOf(() => leases.resolve(old))).toBe("LeaseEnded");
  });

  it("is not revoked, and says how to replace its token", async () => {
    const leases = await new LeaseRoom().start();

    const error = await brokerErrorOf(() => leases.revoke("default"));

    expect(error).toMatchObject({ code: "UsageInvalid", hint: "brokerctl lease rotate default" });
  });
});

describe("looking a lease up", () => {
  it("refuses tokens that are unknown, of another form, or nearly right", async () => {
    const leases = await new LeaseRoom().start();
    const token = await tokenOf(leases, "default");
    const wrong = ["", "x", token.slice(0, -1), `${token}A`, ` ${token}`, `${token}\n`, token.toUpperCase()];

    for (const text of [...wrong, newLeaseToken().reveal(), "brk_", "a".repeat(1_000_000)]) {
      expect(await codeOf(() => leases.resolve(text)), text.slice(0, 60)).toBe("LeaseUnknown");
    }
  });

  it("selects by name, id and token", async () => {
    const leases = await new LeaseRoom().start();
    const ide = await leases.createNamed({ name: "ide", role: "dev", expiresAt: null });
    const token = await tokenOf(leases, "ide");

    expect(leases.select({ by: "name", name: "ide" })).toEqual(ide);
    expect(leases.select({ by: "id", id: ide.id })).toEqual(ide);
    expect(leases.select({ by: "token", token })).toEqual(ide);
    expect(leases.select({ by: "name", name: "default" }).id).toBe("default");
    expect(await codeOf(() => leases.select({ by: "name", name: "nobody" }))).toBe("LeaseUnknown");
    expect(await codeOf(() => leases.select({ by: "id", id: "nobody" }))).toBe("LeaseUnknown");
  });

  it("answers nothing, and writes nothing, before the leases were read", async () => {
    const room = new LeaseRoom();
    const leases = room.registry();

    expect(await codeOf(() => leases.resolve(newLeaseToken().reveal()))).toBe("StoreUnavailable");
    expect(await codeOf(() => leases.select({ by: "default" }))).toBe("StoreUnavailable");
    expect(await codeOf(() => leases.list())).toBe("StoreUnavailable");
    expect(await codeOf(() => leases.reconcile())).toBe("StoreUnavailable");
    await leases.sweep();
    await leases.flush();
    expect(room.writes).toBe(0);
  });
});

describe("leases.json", () => {
  it("is 0600 and holds hashes, never a token", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    await leases.createNamed({ name: "ide", role: null, expiresAt: null });
    const child = await leases.createChild({ role: "dev", holder: room.processes.start(7), expiresAt: null });
    const tokens = [await tokenOf(leases, "default"), await tokenOf(leases, "ide"), child.token.reveal()];

    const text = readFileSync(room.path, "utf8");

    expect(statSync(room.path).mode & 0o777).toBe(0o600);
    for (const token of tokens) expect(text).not.toContain(token.slice(4));
    expect(JSON.stringify(room.logger.lines)).not.toMatch(/brk_/);
  });
});

describe("pinned leases", () => {
  it("pinned leases are one a role, however often and by how many programs they are asked for", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();

    const made = await Promise.all(Array.from({ length: 20 }, () => leases.pinned("dev")));
    const again = await (await room.start()).pinned("dev");

    expect(new Set(made.map(({ id }) => id))).toEqual(new Set([again.id]));
    expect(again).toMatchObject({ name: "role:dev", role: "dev", followsDefault: false, expiresAt: null });
    expect(leases.list()).toHaveLength(2);
  });

  it("do not move", async () => {
    const leases = await new LeaseRoom().start();
    const { id } = await leases.pinned("dev");

    expect(await codeOf(() => leases.assign(id, "prod"))).toBe("UsageInvalid");
    expect(leases.select({ by: "id", id }).role).toBe("dev");
  });
});

describe("named leases", () => {
  it("follow the default lease when they have no role of their own", async () => {
    const leases = await new LeaseRoom().start();
    const ide = await leases.createNamed({ name: "ide", role: null, expiresAt: null });
    expect(leases.roleOf(ide)).toBeNull();

    await leases.assign("default", "dev");

    expect(leases.roleOf(ide)).toBe("dev");
  });

  it("cannot take a name that lives, under whatever race, and can take one that ended", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
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

  it("can take the name of one that has expired but was not swept", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    await leases.createNamed({ name: "ide", role: null, expiresAt: room.clock.now() + MINUTE });
    const old = await tokenOf(leases, "ide");
    room.clock.jump(MINUTE);

    const next = await leases.createNamed({ name: "ide", role: "dev", expiresAt: null });

    expect(leases.resolve(await tokenOf(leases, "ide")).id).toBe(next.id);
    expect(await codeOf(() => leases.resolve(old))).toBe("LeaseEnded");
    expect(await room.secrets.keys("lease:")).toHaveLength(2);
  });

  it.each(["default", "role:dev", "", "-x", "a b", "ä", "a".repeat(129), "__proto__"])(
    "cannot be called %j",
    async (name) => {
      const leases = await new LeaseRoom().start();

      const error = await brokerErrorOf(() => leases.createNamed({ name, role: null, expiresAt: null }));

      expect(error).toMatchObject({ code: "UsageInvalid", hint: expect.any(String) as string });
    },
  );

  it("are not made when nothing that lasts can come of it", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    const past = { name: "a", role: null, expiresAt: room.clock.now() };

    expect(await codeOf(() => leases.createNamed(past))).toBe("UsageInvalid");
    expect(await codeOf(() => leases.createNamed({ ...past, expiresAt: Number.NaN }))).toBe("UsageInvalid");
    expect(await codeOf(() => leases.createNamed({ ...past, role: "", expiresAt: null }))).toBe("UsageInvalid");
    expect(await codeOf(() => leases.pinned("x".repeat(1025)))).toBe("UsageInvalid");
    room.secrets.locked = true;
    expect(await codeOf(() => leases.createNamed({ ...past, expiresAt: null }))).toBe("StoreLocked");
    expect(leases.list()).toHaveLength(1);
  });

  it("end at their hour by the wall clock, without any sweep", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    const { id } = await leases.createNamed({ name: "ide", role: null, expiresAt: room.clock.now() + 30 * MINUTE });
    const token = await tokenOf(leases, "ide");

    room.clock.jump(30 * MINUTE - 1);
    expect(leases.resolve(token).name).toBe("ide");
    room.clock.jump(1);

    expect(await codeOf(() => leases.resolve(token))).toBe("LeaseEnded");
    expect(await codeOf(() => leases.select({ by: "name", name: "ide" }))).toBe("LeaseEnded");
    expect(await codeOf(() => leases.assign(id, "dev"))).toBe("LeaseEnded");
    expect(leases.list().map(({ name }) => name)).toEqual(["default"]);
    await leases.sweep();
    expect(await codeOf(() => leases.resolve(token))).toBe("LeaseEnded");
    expect(await room.secrets.keys("lease:")).toEqual(["lease:default"]);
  });
});

describe("child leases", () => {
  it("tell their token once and keep none", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();

    const { lease, token } = await leases.createChild({
      role: "dev",
      holder: room.processes.start(7),
      expiresAt: null,
    });

    expect(leases.resolve(token.reveal())).toEqual(lease);
    expect(await codeOf(() => leases.access(lease))).toBe("UsageInvalid");
    expect(await room.secrets.keys("lease:")).toEqual(["lease:default"]);
  });

  it("work while the secret store is locked", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    room.secrets.locked = true;

    const { token } = await leases.createChild({ role: null, holder: room.processes.start(7), expiresAt: null });

    expect(leases.resolve(token.reveal()).kind).toBe("child");
  });

  it("outlive the daemon and end with their process", async () => {
    const room = new LeaseRoom();
    const before = await room.start();
    const { token } = await before.createChild({ role: null, holder: room.processes.start(7), expiresAt: null });

    const leases = await room.start();
    expect(leases.resolve(token.reveal()).kind).toBe("child");
    room.processes.end(7);
    await leases.sweep();

    expect(await codeOf(() => leases.resolve(token.reveal()))).toBe("LeaseEnded");
  });

  it("end when their pid has become another process", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    const { token } = await leases.createChild({ role: null, holder: room.processes.start(7), expiresAt: null });

    room.processes.start(7);
    await leases.sweep();

    expect(await codeOf(() => leases.resolve(token.reveal()))).toBe("LeaseEnded");
  });

  it("whose process ended while the daemon was down are over from the start", async () => {
    const room = new LeaseRoom();
    const before = await room.start();
    const { token } = await before.createChild({ role: null, holder: room.processes.start(7), expiresAt: null });
    room.processes.end(7);

    const leases = await room.startLocked();

    expect(await codeOf(() => leases.resolve(token.reveal()))).toBe("LeaseEnded");
  });

  it("can be handed to the process that was started with them", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    const { lease, token } = await leases.createChild({
      role: null,
      holder: room.processes.start(7),
      expiresAt: null,
    });

    await leases.handOver(lease.id, room.processes.start(8));
    room.processes.end(7);
    await leases.sweep();
    expect(leases.resolve(token.reveal()).holder?.pid).toBe(8);

    room.processes.end(8);
    await leases.sweep();
    expect(await codeOf(() => leases.handOver(lease.id, room.processes.start(9)))).toBe("LeaseEnded");
    expect(await codeOf(() => leases.handOver("default", room.processes.start(9)))).toBe("UsageInvalid");
  });

  it("are limited in number, so that a broken start file cannot fill the disk", async () => {
    const room = new LeaseRoom();
    const holder = room.processes.start(7);
    const leases = await room.startWith(
      Array.from({ length: 1998 }, (_, index) => ({
        ...{ id: `child-${index}`, kind: "child", tokenHash: hashLeaseToken(`${index}`), role: null, holder },
        ...{ followsDefault: true, createdAt: 0, expiresAt: null, lastUsedAt: null },
      })),
    );
    const terms = { role: null, holder, expiresAt: null };
    await leases.createChild(terms);

    expect(leases.list()).toHaveLength(2000);
    expect(await codeOf(() => leases.createChild(terms))).toBe("Conflict");
    room.processes.end(7);
    await leases.sweep();
    expect(leases.list()).toHaveLength(1);
    await leases.createChild({ ...terms, holder: room.processes.start(8) });
  });

  it("that have names leave room for those of programs, and the error names one to revoke", async () => {
    const room = new LeaseRoom();
    const holder = room.processes.start(7);
    const leases = await room.startWith(
      Array.from({ length: 1799 }, (_, index) => ({
        ...{ id: `named-${index}`, kind: "named", name: `agent-${index}`, tokenHash: hashLeaseToken(`${index}`) },
        ...{ role: null, followsDefault: true, createdAt: 1000, expiresAt: null, lastUsedAt: index === 5 ? 0 : null },
      })),
    );
    const error = await brokerErrorOf(() => leases.createNamed({ name: "more", role: null, expiresAt: null }));
    expect(error.code).toBe("Conflict");
    expect(error.message).toBe("there are 1800 leases already: 1799 named, 0 of env ROLE, 0 of programs and shells");
    expect(error.hint).toBe("brokerctl lease revoke agent-5    # the longest unused; all: brokerctl lease list");
    expect(await codeOf(() => leases.pinned("dev"))).toBe("Conflict");
    const terms = { role: "dev", holder, expiresAt: null };
    for (let index = 0; index < 200; index++) await leases.createChild(terms);
    expect(await codeOf(() => leases.createChild(terms))).toBe("Conflict");
    await leases.revoke("named-5");
    await leases.createChild(terms);
  });

  it("that ended leave a limited trace, the newest", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    const rotated = await tokenOf(leases, "default");
    await leases.rotate("default");
    const tokens: string[] = [];
    for (let made = 0; made < 250; made++) {
      const { lease, token } = await leases.createChild({
        role: null,
        holder: room.processes.start(7),
        expiresAt: null,
      });
      tokens.push(token.reveal());
      await leases.revoke(lease.id);
    }
    await leases.sweep();

    expect(await codeOf(() => leases.resolve(tokens[0]!))).toBe("LeaseUnknown");
    expect(await codeOf(() => leases.resolve(tokens[249]!))).toBe("LeaseEnded");
    expect(await codeOf(() => leases.resolve(rotated))).toBe("LeaseEnded");
  });
});

describe("use", () => {
  it("moves a lease and remembers the way back", async () => {
    const leases = await new LeaseRoom().start();
    await leases.assign("default", "dev");
    await leases.assign("default", "prod");
    const again = await leases.assign("default", "prod");

    expect(again).toMatchObject({ role: "prod", previousRole: "dev" });
  });

  it("takes a shell's lease off the default lease, and back", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    await leases.assign("default", "dev");
    const { lease } = await leases.createChild({ role: null, holder: room.processes.start(7), expiresAt: null });

    const moved = await leases.assign(lease.id, "prod");
    expect(leases.roleOf(moved)).toBe("prod");
    expect(moved).toMatchObject({ followsDefault: false, previousRole: null });
    expect(leases.roleOf(leases.select({ by: "default" }))).toBe("dev");

    const back = await leases.assign(lease.id, null);
    expect(back.followsDefault).toBe(true);
    expect(leases.roleOf(back)).toBe("dev");
  });

  it("takes the role off the default lease, which then follows nothing", async () => {
    const leases = await new LeaseRoom().start();
    await leases.assign("default", "dev");

    const lease = await leases.assign("default", null);

    expect(lease).toMatchObject({ role: null, followsDefault: false, previousRole: "dev" });
    expect(leases.roleOf(lease)).toBeNull();
  });

  it("--for falls back at its end, by the wall clock and without any sweep", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    const { id } = await leases.createNamed({ name: "ide", role: null, expiresAt: null });
    await leases.assign("default", "dev");
    await leases.assign("default", "prod", { until: room.clock.now() + 30 * MINUTE });
    expect(leases.roleOf(leases.select({ by: "id", id }))).toBe("prod");

    room.clock.jump(30 * MINUTE);

    const lease = leases.select({ by: "default" });
    expect(lease).toMatchObject({ role: "dev", previousRole: "prod" });
    expect(lease.temporary).toBeUndefined();
    expect(leases.roleOf(leases.select({ by: "id", id }))).toBe("dev");
    await leases.sweep();
    room.clock.jump(-30 * MINUTE);
    expect(leases.select({ by: "default" }).role, "a fall-back that was saved stays").toBe("dev");
  });

  it("--for on a lease that followed lets it follow again", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    await leases.assign("default", "dev");
    const { lease } = await leases.createChild({ role: null, holder: room.processes.start(7), expiresAt: null });
    await leases.assign(lease.id, "prod", { until: room.clock.now() + MINUTE });

    room.clock.jump(MINUTE);

    expect(leases.select({ by: "id", id: lease.id })).toMatchObject({ followsDefault: true, role: null });
    expect(leases.roleOf(lease)).toBe("dev");
  });

  it("--for twice falls back to what was chosen for good", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    await leases.assign("default", "dev");
    await leases.assign("default", "prod", { until: room.clock.now() + MINUTE });
    await leases.assign("default", "audit", { until: room.clock.now() + 2 * MINUTE });

    room.clock.jump(MINUTE);
    expect(leases.select({ by: "default" }).role).toBe("audit");
    room.clock.jump(MINUTE);
    expect(leases.select({ by: "default" }).role).toBe("dev");
  });

  it("without --for ends an earlier --for", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    await leases.assign("default", "prod", { until: room.clock.now() + MINUTE });
    await leases.assign("default", "dev");

    room.clock.jump(MINUTE);

    expect(leases.select({ by: "default" }).role).toBe("dev");
  });

  it("--for survives a restart and refuses an end in the past", async () => {
    const room = new LeaseRoom();
    const before = await room.start();
    await before.assign("default", "dev");
    await before.assign("default", "prod", { until: room.clock.now() + MINUTE });
    expect(await codeOf(() => before.assign("default", "x", { until: room.clock.now() }))).toBe("UsageInvalid");

    const leases = await room.start();
    expect(leases.select({ by: "default" }).role).toBe("prod");
    room.clock.jump(MINUTE);
    expect((await room.start()).select({ by: "default" }).role).toBe("dev");
  });
});

describe("rotate and revoke", () => {
  it("rotate refuses the old token at once and for a day says why", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    const old = await tokenOf(leases, "default");
    await leases.assign("default", "dev");

    const { lease, token } = await leases.rotate("default");

    expect(leases.resolve(token.reveal())).toEqual(lease);
    expect(await tokenOf(leases, "default")).toBe(token.reveal());
    expect(leases.roleOf(lease)).toBe("dev");
    expect(await codeOf(() => leases.resolve(old))).toBe("LeaseEnded");
    expect(await codeOf(async () => (await room.start()).resolve(old))).toBe("LeaseEnded");
    room.clock.jump(DAY);
    await leases.sweep();
    expect(await codeOf(() => leases.resolve(old))).toBe("LeaseUnknown");
  });

  it("rotate works for child leases too", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    const child = await leases.createChild({ role: null, holder: room.processes.start(7), expiresAt: null });

    const { token } = await leases.rotate(child.lease.id);

    expect(leases.resolve(token.reveal()).id).toBe(child.lease.id);
    expect(await codeOf(() => leases.resolve(child.token.reveal()))).toBe("LeaseEnded");
  });

  it("revoke ends a lease and forgets its token, also while the secret store is locked", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    const { id } = await leases.pinned("dev");
    const token = await tokenOf(leases, "role:dev");

    room.secrets.locked = true;
    const revoked = await leases.revoke(id);
    expect(revoked.endedAt).toBe(room.clock.now());
    expect(await codeOf(() => leases.resolve(token))).toBe("LeaseEnded");
    expect(await codeOf(() => leases.select({ by: "id", id }))).toBe("LeaseEnded");
    expect(await codeOf(() => leases.revoke(id))).toBe("LeaseEnded");
    expect(await codeOf(() => leases.access(revoked))).toBe("LeaseEnded");

    room.secrets.locked = false;
    await leases.reconcile();
    expect(await room.secrets.keys("lease:")).toEqual(["lease:default"]);
    expect((await leases.pinned("dev")).id).not.toBe(id);
  });

  it("an old copy of the secret store does not bring an ended token back", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    const old = (await room.secrets.get("lease:default"))!;
    await leases.rotate("default");
    await room.secrets.put("lease:default", old);

    const after = await room.start();

    expect(await codeOf(() => after.resolve(old.reveal()))).toBe("LeaseEnded");
    expect(after.resolve(await tokenOf(after, "default")).id).toBe("default");
  });

  it("takes a token away even when that cannot be saved, and saves it later", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    const { id } = await leases.createNamed({ name: "ide", role: null, expiresAt: null });
    const token = await tokenOf(leases, "ide");

    room.faults.diskFull = true;
    expect(await codeOf(() => leases.revoke(id))).toBe("StoreUnavailable");
    expect(await codeOf(() => leases.resolve(token))).toBe("LeaseEnded");
    await leases.sweep();
    expect(leases.saveProblem).toContain("leases cannot be saved");

    room.faults.diskFull = false;
    await leases.sweep();
    expect(leases.saveProblem).toBeUndefined();
    expect(await codeOf(async () => (await room.startLocked()).resolve(token))).toBe("LeaseEnded");
  });

  it("grants nothing that cannot be saved", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    await leases.assign("default", "dev");
    room.faults.diskFull = true;

    const terms = { role: null, holder: room.processes.start(7), expiresAt: null };
    expect(await codeOf(() => leases.createChild(terms))).toBe("StoreUnavailable");
    expect(await codeOf(() => leases.createNamed({ ...terms, name: "ide" }))).toBe("StoreUnavailable");
    expect(await codeOf(() => leases.assign("default", "prod"))).toBe("StoreUnavailable");

    expect(leases.list()).toHaveLength(1);
    expect(leases.select({ by: "default" }).role).toBe("dev");
    expect(await room.secrets.keys("lease:")).toEqual(["lease:default"]);
  });
});

describe("rotating everything after another process held the port", () => {
  it("refuses all old tokens and ends child leases", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    await leases.pinned("dev");
    const child = await leases.createChild({ role: null, holder: room.processes.start(7), expiresAt: null });
    const old = [await tokenOf(leases, "default"), await tokenOf(leases, "role:dev"), child.token.reveal()];

    await leases.rotateAll();

    const kept = (await room.secrets.get("lease:default"))!.reveal();
    expect(leases.resolve(kept).id, "without a request for it").toBe("default");
    for (const token of old) expect(await codeOf(() => leases.resolve(token))).toBe("LeaseEnded");
    expect(leases.resolve(await tokenOf(leases, "role:dev")).role).toBe("dev");
    expect(leases.list().map(({ name }) => name)).toEqual(["default", "role:dev"]);
  });

  it("does so while the secret store is locked, over a restart, and makes new tokens once it opens", async () => {
    const room = new LeaseRoom();
    const old = await tokenOf(await room.start(), "default");
    room.secrets.locked = true;

    await (await room.startLocked()).rotateAll();
    const leases = await room.startLocked();
    expect(await codeOf(() => leases.resolve(old))).toBe("LeaseEnded");

    room.secrets.locked = false;
    await leases.reconcile();
    expect(await codeOf(() => leases.resolve(old))).toBe("LeaseEnded");
    expect(leases.resolve(await tokenOf(leases, "default")).id).toBe("default");
  });
});

describe("rotating everything while the secret store stays locked for days", () => {
  it("a revoked token stays refused after its record is dropped", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    const old = await tokenOf(leases, "default");
    room.secrets.locked = true;
    await leases.rotateAll();
    room.clock.jump(2 * DAY);
    await leases.sweep();
    expect(await codeOf(() => leases.resolve(old))).toBe("LeaseUnknown");

    room.secrets.locked = false;
    const after = await room.start();

    expect(await codeOf(() => after.resolve(old))).toBe("LeaseUnknown");
    expect(after.resolve(await tokenOf(after, "default")).id).toBe("default");
  });
});

describe("a lease that is held in hand", () => {
  it("has the role it had once it is gone, and none while there is nothing to follow", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    const lease = await leases.pinned("dev");
    await leases.revoke(lease.id);
    expect(leases.roleOf(lease)).toBe("dev");

    const other = new LeaseRoom();
    other.secrets.locked = true;
    const empty = await other.startLocked();
    const child = await empty.createChild({ role: null, holder: other.processes.start(7), expiresAt: null });
    expect(empty.roleOf(child.lease)).toBeNull();
  });
});

describe("last use", () => {
  it("costs no write, is told at once, and is saved by the sweep after a minute", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    const lease = leases.select({ by: "default" });
    const writes = room.writes;

    for (let use = 0; use < 100; use++) leases.lookup.touch(lease);
    expect(leases.list()[0]?.lastUsedAt).toBe(room.clock.now());
    await leases.sweep();
    expect(room.writes).toBe(writes);

    const used = room.clock.now();
    room.clock.jump(MINUTE);
    await leases.sweep();
    await leases.sweep();
    expect(room.writes).toBe(writes + 1);
    expect((await room.startLocked()).list()[0]?.lastUsedAt).toBe(used);
  });

  it("goes along with any other write, and is saved at the end", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    leases.lookup.touch(leases.select({ by: "default" }));
    const first = room.clock.now();
    await leases.assign("default", "dev");
    expect((await room.startLocked()).list()[0]?.lastUsedAt).toBe(first);

    room.clock.jump(1000);
    leases.lookup.touch(leases.select({ by: "default" }));
    await leases.flush();
    const writes = room.writes;
    await leases.flush();
    expect(room.writes).toBe(writes);
    expect((await room.startLocked()).list()[0]?.lastUsedAt).toBe(first + 1000);
  });

  it("is not forgotten when it falls into a write", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    const lease = leases.select({ by: "default" });
    leases.lookup.touch(lease);
    room.duringWrite = () => {
      room.clock.jump(1000);
      leases.lookup.touch(lease);
    };
    await leases.assign("default", "dev");
    room.duringWrite = () => undefined;
    const last = room.clock.now();

    expect(leases.list()[0]?.lastUsedAt).toBe(last);
    await leases.flush();
    expect((await room.startLocked()).list()[0]?.lastUsedAt).toBe(last);
  });

  it("is saved although the clock was set back", async () => {
    const room = new LeaseRoom();
    const leases = await room.start();
    leases.lookup.touch(leases.select({ by: "default" }));
    const writes = room.writes;

    room.clock.jump(-DAY);
    await leases.sweep();

    expect(room.writes).toBe(writes + 1);
  });
});
