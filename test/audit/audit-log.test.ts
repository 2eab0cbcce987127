import { statSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import type { AuditEvent } from "../../src/audit/audit-event.js";
import { newLeaseToken } from "../../src/core/lease.js";
import { AuditFixture, findingsOf, OWN_UID, served, used } from "../support/audit-fixture.js";
import { auditLines } from "../support/audit-lines.js";
import { CANARY, canarySecretKey } from "../support/canaries.js";

let fixture: AuditFixture;
beforeEach(async () => {
  fixture = new AuditFixture();
  await fixture.log.open();
});

const refused = { event: "refused", outcome: "refused", code: "LeaseUnknown" } as const;
const HOUR_MS = 3_600_000;

describe("the audit log", () => {
  it("has one object a line with the fields of the interface, in a file of its user alone", async () => {
    fixture.programs.set(7, { pid: 4711, program: "aws (python3.11)", cwd: "/home/me/code" });

    await fixture.record(served({ peer: { uid: OWN_UID, inode: 7 }, until: fixture.clock.now() + HOUR_MS }));

    const [line] = auditLines(fixture.stateDir);
    expect(line).toEqual({
      ...{ n: 1, time: "2026-01-01T00:00:00.000Z", event: "fetch", outcome: "served", code: null },
      ...{ lease: "ide-id", lease_name: "ide", role: "dev", uid: OWN_UID },
      ...{ pid: 4711, program: "aws (python3.11)", cwd: "/home/me/code" },
      ...{ count: 1, until: "2026-01-01T01:00:00.000Z", prev: "0".repeat(64) },
    });
    expect(statSync(join(fixture.stateDir, "audit.jsonl")).mode & 0o777).toBe(0o600);
  });

  it("has what was done in one file, what was refused or failed in another", async () => {
    await fixture.record(used("dev"), { ...used("prod"), outcome: "refused", code: "GuardRefused" }, refused);
    await fixture.record({ ...served(), outcome: "failed", code: "LoginRequired" }, served());

    expect(auditLines(fixture.stateDir).map(({ event, outcome }) => [event, outcome])).toEqual([
      ["use", "done"],
      ["fetch", "served"],
    ]);
    expect(auditLines(fixture.stateDir, "refusals").map(({ event, code }) => [event, code])).toEqual([
      ["use", "GuardRefused"],
      ["refused", "LeaseUnknown"],
      ["fetch", "LoginRequired"],
    ]);
  });

  it("goes on with its numbers and hashes after a restart", async () => {
    await fixture.record(used("a"), used("b"));
    await fixture.log.close();
    await fixture.restart();
    await fixture.record(used("c"));

    expect(auditLines(fixture.stateDir).map(({ n, role }) => [n, role])).toEqual([
      [1, "a"],
      [2, "b"],
      [3, "c"],
    ]);
    expect(findingsOf(await fixture.log.verify())).toEqual([]);
  });

  it("never throws and never waits, whatever is told to it", () => {
    const strange = {
      event: "use",
      outcome: "done",
      get role() {
        throw new Error("no role");
      },
    } as never;

    expect(() => fixture.log.record(strange)).not.toThrow();
    expect(fixture.logger.lines).toMatchObject([{ level: "error", message: "not on record" }]);
  });

  it("is closed at once, also while a program is still being looked up", async () => {
    const endless = { processOf: () => new Promise<never>(() => undefined), processAt: async () => undefined };
    await fixture.restart({ processes: endless });
    fixture.log.record(served({ peer: { uid: OWN_UID, inode: 7 } }));

    await fixture.log.close();

    expect(auditLines(fixture.stateDir)).toMatchObject([{ event: "fetch", uid: OWN_UID, pid: null }]);
  });

  it("takes a thousand events at once, each once and in order", async () => {
    const roles = Array.from({ length: 1000 }, (_, index) => `role-${index}`);

    await fixture.record(...roles.map(used));

    expect(auditLines(fixture.stateDir).map(({ role }) => role)).toEqual(roles);
    expect(findingsOf(await fixture.log.verify())).toEqual([]);
  });
});

describe("lines that repeat within a minute", () => {
  it("are the first one at once and one with the count of those that followed", async () => {
    await fixture.record(...Array.from({ length: 12 }, () => served()));
    expect(auditLines(fixture.stateDir).map(({ count }) => count)).toEqual([1]);

    await fixture.clock.advance(60_000);
    await fixture.log.verify();
    expect(auditLines(fixture.stateDir).map(({ count }) => count)).toEqual([1, 11]);

    await fixture.record(served());
    expect(auditLines(fixture.stateDir).map(({ count }) => count)).toEqual([1, 11, 1]);
  });

  it("are told apart by lease, role and program, and not by pid", async () => {
    for (const [inode, program] of ["aws", "aws", "terraform"].entries()) {
      fixture.programs.set(inode, { pid: 100 + inode, program, cwd: "/" });
    }
    const by = (inode: number) => served({ peer: { uid: OWN_UID, inode } });

    await fixture.record(by(0), by(1), by(2), served({ role: "prod" }), served({ lease: { id: "other" } }));
    await fixture.log.close();

    const told = auditLines(fixture.stateDir).map(({ program, pid, count }) => [program, pid, count].join(" "));
    expect(told.toSorted()).toEqual(["  1", "  1", "aws 100 1", "aws 101 1", "terraform 102 1"]);
  });

  it("add up to what was, in a flood of refusals that pushes nothing else out", async () => {
    await fixture.restart({ limits: { refusals: { fileBytes: 2000, files: 3 } } });
    await fixture.record(used("before"));
    for (let minute = 0; minute < 40; minute++) {
      for (let n = 0; n < 500; n++) fixture.log.record({ ...refused, peer: { uid: 65_000, inode: n } });
      await fixture.clock.advance(60_000);
    }
    await fixture.log.close();

    const kept = auditLines(fixture.stateDir, "refusals").filter(({ event }) => event === "refused");
    expect(kept.length).toBeLessThan(80);
    expect(new Set(kept.map(({ count }) => count))).toEqual(new Set([1, 499]));
    expect(auditLines(fixture.stateDir).map(({ role }) => role)).toEqual(["before"]);
    expect(findingsOf(await fixture.log.verify())).toEqual([]);
    expect(fixture.walks).toBe(0);
  });

  it("of a program that goes by another name each time are bounded", async () => {
    for (let inode = 0; inode < 200; inode++) {
      fixture.programs.set(inode, { pid: inode + 1, program: `program-${inode}`, cwd: "/" });
      await fixture.clock.advance(1);
      fixture.log.record(served({ peer: { uid: OWN_UID, inode } }));
    }
    await fixture.log.close();

    const lines = auditLines(fixture.stateDir);
    expect(lines.length).toBeLessThan(20);
    expect(lines.reduce((sum, { count }) => sum + count, 0)).toBe(200);
  });
});

describe("who asks", () => {
  it("is looked up once a connection, and of our own user only", async () => {
    const peer = { uid: OWN_UID, inode: 7 };
    await fixture.record(...Array.from({ length: 50 }, () => served({ peer })));
    expect(fixture.walks).toBe(1);

    await fixture.record({ ...refused, peer: { uid: OWN_UID + 1, inode: 8 } });
    expect(fixture.walks).toBe(1);
  });

  it("is sampled where each request has a connection of its own, and all are counted", async () => {
    for (let second = 0; second < 60; second++) {
      for (let n = 0; n < 20; n++) fixture.log.record(served({ peer: { uid: OWN_UID, inode: second * 20 + n } }));
      await fixture.clock.advance(1000);
    }
    await fixture.log.close();

    expect(fixture.walks).toBeLessThan(80);
    expect(auditLines(fixture.stateDir).reduce((sum, { count }) => sum + count, 0)).toBe(1200);
  });
});

describe("what must not be on record", () => {
  it("is nowhere: keys, tokens, and what a name or a path would do to a terminal or the file", async () => {
    const token = newLeaseToken().reveal();
    const evil = `a\u001b[31m\n{"n":99}\u202e${token} aws_secret_access_key=${canarySecretKey("audit")}`;
    fixture.programs.set(7, { pid: 1, program: evil, cwd: `/tmp/${evil}` });

    await fixture.record(served({ role: evil, lease: { id: "x", name: evil }, peer: { uid: OWN_UID, inode: 7 } }), {
      event: "request",
      outcome: "done",
      request: "r1",
      reason: evil,
      detail: evil,
    });

    const lines = auditLines(fixture.stateDir);
    expect(lines).toHaveLength(2);
    const written = JSON.stringify(lines);
    expect(written).not.toContain(token);
    expect(written).not.toContain(CANARY);
    const { readFileSync } = await import("node:fs");
    const text = readFileSync(join(fixture.stateDir, "audit.jsonl"), "utf8");
    expect(text.split("\n")).toHaveLength(3);
    // eslint-disable-next-line no-control-regex -- what a terminal obeys
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
  });

  it("is a name or path of any length", async () => {
    fixture.programs.set(7, { pid: 1, program: "p".repeat(9000), cwd: "c".repeat(9000) });

    await fixture.record({
      ...served({ peer: { uid: OWN_UID, inode: 7 }, role: "r".repeat(9000) }),
      detail: "d".repeat(9000),
    });

    expect(statSync(join(fixture.stateDir, "audit.jsonl")).size).toBeLessThan(4000);
  });
});

describe("what programs hold", () => {
  const until = (fixture: AuditFixture, minutes: number): number => fixture.clock.now() + minutes * 60_000;

  it("is known by role and by lease until AWS ends it, also after a restart", async () => {
    fixture.programs.set(7, { pid: 4711, program: "aws", cwd: "/code" });
    const peer = { uid: OWN_UID, inode: 7 };
    await fixture.record(
      served({ peer, until: until(fixture, 60) }),
      served({ role: "prod", until: until(fixture, 10) }),
    );
    await fixture.log.close();
    await fixture.restart();

    const now = fixture.clock.now();
    expect(fixture.log.holders.find({ role: "dev" }, now)).toEqual([
      {
        ...{ lease: "ide-id", leaseName: "ide", role: "dev", uid: OWN_UID, pid: 4711, program: "aws", cwd: "/code" },
        ...{ lastServedAt: now, until: now + HOUR_MS },
      },
    ]);
    expect(fixture.log.holders.find({ lease: "ide-id" }, now).map(({ role }) => role)).toEqual(["dev", "prod"]);
    expect(fixture.log.holders.lastUserOf("ide-id")).toEqual({ pid: 4711, program: "aws", cwd: "/code" });
    expect(fixture.log.holders.find({ role: "dev" }, now + HOUR_MS)).toEqual([]);
  });

  it("is nothing where the client was refused, or was gone before its answer", async () => {
    const end = until(fixture, 60);
    await fixture.record(served({ outcome: "abandoned", until: end }), served({ outcome: "failed", code: "NoRole" }));

    expect(fixture.log.holders.find({}, fixture.clock.now())).toEqual([]);
  });
});

describe("the same event, as the same object again and again,", () => {
  /** What is written of a client that asks at each of these times, each time told by `next`. */
  async function written(next: (first: AuditEvent) => AuditEvent): Promise<readonly string[]> {
    const { log, clock, programs, stateDir } = fixture;
    programs.set(7, { pid: 4711, program: "aws", cwd: "/home/me/code" });
    const first = served({ peer: { uid: OWN_UID, inode: 7 }, until: clock.now() + HOUR_MS });
    const other = served({ lease: { id: "other", name: "other" }, until: clock.now() + HOUR_MS });
    for (const pauseMs of [0, 1, 1, 20_000, 39_000, 2000, 30_000]) {
      await clock.advance(pauseMs);
      log.record(next(first));
      log.record(next(other));
      log.record(next(first));
      await log.flush();
    }
    const holders = JSON.stringify([log.holders.find({}, clock.now()), log.holders.lastUserOf("ide-id")]);
    await log.close();
    return [holders, ...auditLines(stateDir).map((line) => JSON.stringify(line))];
  }

  it("is counted in the lines, and among who holds what, as it is where each is an object of its own", async () => {
    const alone = await written((event) => ({ ...event }));
    fixture = new AuditFixture();
    await fixture.log.open();

    expect(await written((event) => event)).toEqual(alone);
    expect(alone.length).toBeGreaterThan(4);
  });

  it("names its program from when that is known, also where it could not be looked up at first", async () => {
    const { log, clock, programs, stateDir } = fixture;
    const peers = Array.from({ length: 17 }, (_, inode) => ({ uid: OWN_UID, inode }));
    for (const { inode } of peers) programs.set(inode, { pid: 100 + inode, program: "aws", cwd: "/" });
    for (const peer of peers.slice(0, 16)) log.record(served({ peer }));
    const unnamed = served({ peer: peers[16]! });
    log.record(unnamed);
    log.record(unnamed);
    await log.flush();

    await clock.advance(1500);
    log.record(unnamed);
    await log.flush();
    log.record(unnamed);
    await log.close();

    const counts = auditLines(stateDir).map(({ program, count }) => ({ program, count }));
    const sumOf = (name: string | null) =>
      counts.filter(({ program }) => program === name).reduce((sum, { count }) => sum + count, 0);
    expect([sumOf(null), sumOf("aws")]).toEqual([2, 18]);
  });
});
