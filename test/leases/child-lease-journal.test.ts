import { appendFileSync, readdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { Lease, LeaseHolder } from "../../src/core/lease.js";
import type { LeaseRegistry } from "../../src/leases/lease-registry.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { LeaseFixture } from "../support/lease-fixture.js";

let fixture: LeaseFixture;
let leases: LeaseRegistry;
let launcher: LeaseHolder;
let file: string;

beforeEach(async () => {
  fixture = new LeaseFixture();
  leases = await fixture.start();
  launcher = fixture.processes.start(7);
  file = join(dirname(fixture.path), "child-leases.jsonl");
});

const child = async (role = "dev"): Promise<{ id: string; token: string }> => {
  const { lease, token } = await leases.createChild({ role, holder: launcher, expiresAt: null });
  return { id: lease.id, token: token.reveal() };
};
const codeOf = async (registry: LeaseRegistry, token: string): Promise<string> =>
  (await brokerErrorOf(async () => Promise.resolve(registry.resolve(token)))).code;
const aside = (): readonly string[] => readdirSync(dirname(file)).filter((name) => name.includes(".broken-"));
const lines = (): readonly string[] => readFileSync(file, "utf8").trimEnd().split("\n");

describe("leases that end with a process", () => {
  it("are on disk before they are answered, with no durable write: each change is one line more", async () => {
    await child();
    const { writes, journal } = fixture;
    const before = { writes, ...journal };

    const { id, token } = await child();
    await leases.handOver(id, fixture.processes.start(8));
    const held = (await fixture.startLocked()).resolve(token);
    await leases.revoke(id);

    expect(held).toMatchObject({ id, holder: { pid: 8 } });
    expect({ writes: fixture.writes, ...fixture.journal }).toEqual({ ...before, appends: before.appends + 3 });
    expect(await codeOf(await fixture.startLocked(), token)).toBe("LeaseEnded");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).not.toContain(token);
  });

  it("make no durable write for it that a program uses the default lease meanwhile; the sweep saves that use", async () => {
    await child();
    const uses = leases.select({ by: "default" });
    await fixture.clock.advance(1000);
    leases.lookup.touch(uses);
    const usedAt = fixture.clock.now();
    const { writes } = fixture;

    const { id } = await child();
    await leases.handOver(id, fixture.processes.start(8));
    await leases.revoke(id);
    expect([fixture.writes, leases.select({ by: "default" }).lastUsedAt]).toEqual([writes, usedAt]);

    await fixture.clock.advance(60_000);
    await child();
    expect(fixture.writes).toBe(writes);
    await leases.sweep();
    expect(fixture.writes).toBe(writes + 1);
    expect((await fixture.startLocked()).select({ by: "default" }).lastUsedAt).toBe(usedAt);
  });

  it("leave what lasts alone, and are left alone by it", async () => {
    const { token } = await child();
    const before = readFileSync(file, "utf8");

    await leases.createNamed({ name: "ide", role: "dev", expiresAt: null });
    expect(readFileSync(file, "utf8")).toBe(before);
    expect(readFileSync(fixture.path, "utf8")).not.toContain('"child"');

    await leases.rotateAll();
    expect(await codeOf(await fixture.start(), token)).toBe("LeaseEnded");
  });

  it("lose no more than the line that was being written when brokerd was killed", async () => {
    const [kept, cut] = [await child(), await child()];
    truncateSync(file, statSync(file).size - 5);

    const again = await fixture.startLocked();

    expect(again.resolve(kept.token).id).toBe(kept.id);
    expect(await codeOf(again, cut.token)).toBe("LeaseUnknown");
    leases = again;
    const next = await child();
    expect((await fixture.startLocked()).resolve(next.token).id).toBe(next.id);
    expect(lines().every((line) => JSON.parse(line) !== undefined)).toBe(true);
  });

  it("are those before the first line that cannot be understood, as after the end of the machine; the file stays beside", async () => {
    const kept = await child();
    appendFileSync(file, `${"\0".repeat(200)}\n{"lease":{"id":"x"}}\n`);

    const again = await fixture.startLocked();

    expect(again.resolve(kept.token).id).toBe(kept.id);
    expect(aside().map((name) => readFileSync(join(dirname(file), name), "utf8"))).toEqual([
      expect.stringContaining("\0"),
    ]);
    expect(lines()).toHaveLength(2);
  });

  it("leave the newest three of the files that could not be understood, the last of them too, however old it is", async () => {
    for (let time = 1; time <= 6; time++) {
      writeFileSync(file, `broken ${time}`, { mode: 0o600 });
      const at = new Date(time === 6 ? 0 : 1_700_000_000_000 + time * 1000);
      utimesSync(file, at, at);
      await fixture.start();
    }

    const texts = aside().map((name) => readFileSync(join(dirname(file), name), "utf8"));
    expect(texts.sort()).toEqual(["broken 4", "broken 5", "broken 6"]);
  });

  it("are not read, nor written over, where a newer version wrote them", async () => {
    const text = '{"version":4}\n{"leash":{}}\n';
    writeFileSync(file, text, { mode: 0o600 });

    expect((await brokerErrorOf(() => fixture.registry().load())).code).toBe("StoreUnavailable");
    expect(readFileSync(file, "utf8")).toBe(text);
    expect(aside()).toEqual([]);
  });

  it("move out of leases.json at an upgrade, whether or not it was cut off in between", async () => {
    const { id, token } = await child();
    const lease = leases.select({ by: "id", id });
    const old = { version: 2, leases: [leases.select({ by: "default" }), lease], ended: [], rotationDue: [] };
    writeFileSync(fixture.path, JSON.stringify(old), { mode: 0o600 });

    for (const journal of [readFileSync(file, "utf8"), '{"version":1}\n']) {
      writeFileSync(fixture.path, JSON.stringify(old), { mode: 0o600 });
      writeFileSync(file, journal);
      leases = await fixture.start();
      expect(leases.resolve(token).id).toBe(id);
      await leases.assign("default", "prod");
      expect(readFileSync(fixture.path, "utf8")).not.toContain(id);
      expect((await fixture.startLocked()).resolve(token).id).toBe(id);
    }
    await leases.revoke(id);
    writeFileSync(fixture.path, JSON.stringify(old), { mode: 0o600 });
    expect(await codeOf(await fixture.startLocked(), token)).toBe("LeaseEnded");
  });

  it("are written as a whole after a write that failed, so that half a line spoils nothing", async () => {
    const first = await child();
    fixture.faults.diskFull = true;
    expect((await brokerErrorOf(() => child())).code).toBe("StoreUnavailable");
    appendFileSync(file, '{"lease":{"id":"ha');
    fixture.faults.diskFull = false;

    const second = await child();

    const again = await fixture.startLocked();
    expect([again.resolve(first.token).id, again.resolve(second.token).id]).toEqual([first.id, second.id]);
    expect(lines()).toHaveLength(3);
  });

  it("fill no disk: the file is written anew when most of it is over", async () => {
    const made: Lease[] = [];
    for (let index = 0; index < 1500; index++) {
      const { id } = await child();
      made.push(await leases.revoke(id));
      if (index % 100 === 0) await leases.sweep();
    }

    expect(made).toHaveLength(1500);
    expect(lines().length).toBeLessThan(2500);
  });
});
