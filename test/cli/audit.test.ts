import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { type AuditFacts, type AuditLine, auditFacts, renderAuditLine } from "../../src/core/audit-line.js";
import type { Holder } from "../../src/core/audit-views.js";
import { NOW } from "../fakes/fake-control.js";
import { type CliFixture, cliFixture } from "../support/cli-fixture.js";

const HOUR_MS = 3_600_000;

let fixture: CliFixture;
beforeEach(async () => {
  fixture = await cliFixture();
  fixture.control.addSource("ops").addRole("dev").addRole("prod");
});

const fileOf = (name: string): string => join(fixture.home, "state", name);

function lineOf(facts: Partial<AuditFacts>, ago = 0): string {
  const all = auditFacts({ event: "fetch", outcome: "served", now: NOW - ago, ...facts });
  return `${renderAuditLine({ n: 1, facts: all, prev: "0".repeat(64) })}\n`;
}

function printed(stdout: string): readonly AuditLine[] {
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as AuditLine);
}

describe("audit", () => {
  it("prints what was done and what was refused in the order of time, for people and as it is", async () => {
    const aws = { role: "dev", lease: "id-1", lease_name: "ide", pid: 4711, program: "aws (python3.11)", cwd: "/code" };
    writeFileSync(
      fileOf("audit.jsonl"),
      lineOf({ ...aws, until: "2026-01-01T01:00:00.000Z" }, 3000) + lineOf({ ...aws, count: 12 }, 1000),
    );
    writeFileSync(
      fileOf("refusals.jsonl"),
      lineOf({ event: "refused", outcome: "refused", code: "LeaseUnknown", uid: 1001 }, 2000),
    );

    const { code, stdout } = await fixture.run(["audit"]);
    expect(code).toBe(0);
    const [first, second, third] = stdout.trim().split("\n");
    expect(first).toMatch(
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}fetch {10}dev {2}lease ide {2}aws \(python3\.11\), pid 4711, in \/code {2}until /,
    );
    expect(second).toMatch(/refused {8}refused: LeaseUnknown {2}uid 1001$/);
    expect(third).toMatch(/× 12$/);
    const json = await fixture.run(["audit", "--json"]);
    expect(printed(json.stdout).map(({ event, count }) => [event, count])).toEqual([
      ["fetch", 1],
      ["refused", 1],
      ["fetch", 12],
    ]);
  });

  it("tells the caller of a control request, and that its pid is only claimed", async () => {
    const facts = { event: "use", outcome: "refused", code: "GuardRefused", role: "prod", lease: "default" } as const;
    writeFileSync(fileOf("refusals.jsonl"), lineOf({ ...facts, pid: 99, claimed: true, caller_lease: "agent-id" }));
    appendFileSync(fileOf("refusals.jsonl"), lineOf({ ...facts, caller_problem: "LeaseEnded" }));

    const { stdout } = await fixture.run(["audit"]);

    expect(stdout).toContain("refused: GuardRefused  prod  lease default  pid 99 (claimed)  by lease agent-id");
    expect(stdout).toContain("with a token that is of an ended lease");
  });

  it("keeps to a role, to a lease with what was asked from under it, and to the time asked for", async () => {
    const lines = [
      lineOf({ role: "dev", lease: "id-1", lease_name: "ide" }),
      lineOf({ role: "prod", lease: "id-2" }),
      lineOf({ event: "lease-created", outcome: "done", role: "prod", lease: "id-3", caller_lease: "id-1" }),
    ];
    writeFileSync(fileOf("audit.jsonl.1"), lineOf({ role: "old" }, 40 * 24 * HOUR_MS));
    writeFileSync(fileOf("audit.jsonl"), lines.join(""));
    const rolesOf = async (...flags: string[]): Promise<readonly (string | null)[]> =>
      printed((await fixture.run(["audit", "--json", ...flags])).stdout).map(({ role }) => role);

    expect(await rolesOf()).toEqual(["dev", "prod", "prod"]);
    expect(await rolesOf("--role", "dev")).toEqual(["dev"]);
    expect(await rolesOf("--lease", "ide")).toEqual(["dev"]);
    expect(await rolesOf("--lease", "id-1")).toEqual(["dev", "prod"]);
    expect(await rolesOf("--since", "60d")).toEqual(["old", "dev", "prod", "prod"]);
  });

  it("works while brokerd does not run, and says so where nothing is on record", async () => {
    const away = await cliFixture({ listening: false });
    expect(await away.run(["audit"])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no audit log yet") as unknown,
    });
    writeFileSync(join(away.home, "state", "audit.jsonl"), lineOf({ role: "dev" }));
    expect((await away.run(["audit"])).stdout).toContain("dev");
    const { code, stderr } = await away.run(["audit", "--role", "nope"]);
    expect([code, stderr]).toEqual([0, expect.stringContaining("--since 30d")]);
  });

  it("shows a name that would turn or hide the line for what it is", async () => {
    writeFileSync(fileOf("audit.jsonl"), lineOf({ role: "a\u202eb\u001b[31m", lease: "x" }));

    const { stdout } = await fixture.run(["audit"]);
    const json = await fixture.run(["audit", "--json"]);

    for (const text of [stdout, json.stdout]) expect(text).not.toMatch(/\u202e/);
    expect(json.stdout).toContain("\\u202e");
  });

  it("follows both files, over a rotation", async () => {
    writeFileSync(fileOf("audit.jsonl"), lineOf({ role: "first" }));
    const seen: string[] = [];
    let step = 0;
    const steps: (() => void)[] = [
      () => appendFileSync(fileOf("audit.jsonl"), lineOf({ role: "second" })),
      () => writeFileSync(fileOf("refusals.jsonl"), lineOf({ event: "refused", outcome: "refused", role: "third" })),
      () => {
        appendFileSync(fileOf("audit.jsonl"), lineOf({ role: "fourth" }));
        renameSync(fileOf("audit.jsonl"), fileOf("audit.jsonl.1"));
        writeFileSync(fileOf("audit.jsonl"), lineOf({ role: "fifth" }));
      },
    ];
    const clock = {
      now: () => NOW,
      after: () => () => undefined,
      sleep: async () => {
        const next = steps[step++];
        if (!next) throw new Error("seen enough");
        next();
        await Promise.resolve();
      },
    };
    const { stdout } = await fixture.run(["audit", "--follow", "--json"], { clock });
    seen.push(...printed(stdout).map(({ role }) => role ?? ""));
    expect(seen).toEqual(["first", "second", "third", "fourth", "fifth"]);
  });
});

describe("audit verify", () => {
  it("says that the log is as brokerd wrote it, exit 0", async () => {
    const { code, stdout } = await fixture.run(["audit", "verify"]);
    expect(code).toBe(0);
    expect(stdout).toBe("audit.jsonl: no lines: as brokerd wrote it\nrefusals.jsonl: no lines: as brokerd wrote it\n");
    expect(JSON.parse((await fixture.run(["audit", "verify", "--json"])).stdout)).toMatchObject({ intact: true });
  });

  it("tells each place that is not, exit 1", async () => {
    const { auditReport } = fixture.control;
    const finding = { file: "audit.jsonl.1", line: 12, what: "the line before it was changed" };
    const broken = { ...auditReport.logs.audit, lines: 20, first: 1, last: 20, sealedTo: 18, findings: [finding] };
    fixture.control.auditReport = { ...auditReport, logs: { ...auditReport.logs, audit: broken } };

    const { code, stdout } = await fixture.run(["audit", "verify"]);
    expect(code).toBe(1);
    expect(stdout).toContain(
      "20 lines, number 1 to 20, sealed to 18: NOT as brokerd wrote it\n  audit.jsonl.1 line 12: the line",
    );
    const json = await fixture.run(["audit", "verify", "--json"]);
    expect([json.code, JSON.parse(json.stdout)]).toMatchObject([
      1,
      { intact: false, logs: { audit: { findings: [finding] } } },
    ]);
  });

  it("warns where the seal cannot be read, and takes no other flag and no other word", async () => {
    fixture.control.auditReport = { ...fixture.control.auditReport, sealProblem: "the secret store is locked" };
    expect((await fixture.run(["audit", "verify"])).stderr).toMatch(/the secret store is locked[^]*brokerctl unlock/);
    expect((await fixture.run(["audit", "verify", "--role", "dev"])).code).toBe(2);
    expect((await fixture.run(["audit", "prove"])).code).toBe(2);
  });
});

describe("who", () => {
  const holder: Holder = {
    ...{ lease: "id-1", leaseName: "ide", role: "dev", uid: 1000, pid: 4711, program: "aws", cwd: "/code" },
    ...{ lastServedAt: NOW, until: NOW + HOUR_MS },
  };

  it("lists the leases that stand for a role and the programs that hold it", async () => {
    fixture.control.addLease("named", { name: "ide", role: "dev" });
    fixture.control.holders.push(holder, { ...holder, program: null, pid: null, cwd: null });

    const { code, stdout } = await fixture.run(["who", "dev"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/LEASE[^]*ide[^]*PROGRAM[^]*aws +4711 +ide .*\/code[^]*\(not looked up\)/);
    expect(JSON.parse((await fixture.run(["who", "dev", "--json"])).stdout)).toMatchObject({
      role: "dev",
      leases: [{ name: "ide" }],
      holders: [{ lease: "id-1", lease_name: "ide", pid: 4711, until: "2026-01-01T01:00:00Z" }, { program: null }],
    });
  });

  it("says where there are none, and which role is not there", async () => {
    expect((await fixture.run(["who", "prod"])).stderr).toMatch(/no lease stands for prod[^]*no program is known/);
    expect((await fixture.run(["who", "nope"])).code).toBe(2);
    expect((await fixture.run(["who"])).code).toBe(2);
  });

  it("is said by use and revoke too: who still holds the old role, and until when", async () => {
    const lease = fixture.control.addLease("named", { name: "ide", role: "dev" });
    fixture.control.holders.push(
      { ...holder, lease: lease.id },
      ...Array.from({ length: 7 }, () => ({ ...holder, lease: lease.id })),
    );

    const use = await fixture.run(["use", "prod", "--lease", "ide"]);
    expect(use.stderr).toMatch(/aws, pid 4711, in \/code holds dev until \S+ \(in 1 h 00 min\)/);
    expect(use.stderr).toContain("and 3 more: brokerctl who dev");
    const revoke = await fixture.run(["lease", "revoke", "ide", "--json"]);
    expect((JSON.parse(revoke.stdout) as { holders: unknown[] }).holders).toHaveLength(8);
  });
});
