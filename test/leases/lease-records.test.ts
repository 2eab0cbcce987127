import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { hashLeaseToken, type Lease } from "../../src/core/lease.js";
import { type LeaseRecords, parseLeaseRecords, renderLeaseRecords } from "../../src/leases/lease-records.js";
import { brokerErrorOf } from "../support/broker-error-of.js";
import { LeaseFixture } from "../support/lease-fixture.js";

const named: Lease = {
  id: "a",
  kind: "named",
  name: "ide",
  tokenHash: hashLeaseToken("a"),
  role: "prod",
  followsDefault: false,
  temporary: { until: 2, thenRole: null },
  previousRole: null,
  socket: "/home/me/agent/lease.sock",
  createdAt: 1,
  expiresAt: 3,
  lastUsedAt: null,
};
const child: Lease = {
  id: "b",
  kind: "child",
  tokenHash: hashLeaseToken("b"),
  role: null,
  followsDefault: true,
  holder: { pid: 7, startTime: "12:34" },
  createdAt: 1,
  expiresAt: null,
  lastUsedAt: 2,
};
const standard: Lease = {
  ...{ id: "default", kind: "default", name: "default", tokenHash: hashLeaseToken("d"), role: null },
  ...{ followsDefault: false, createdAt: 0, expiresAt: null, lastUsedAt: null },
};
const ended = { tokenHash: hashLeaseToken("x"), leaseId: "c", kind: "pinned", label: "role:dev", endedAt: 5 } as const;
const records: LeaseRecords = { leases: [standard, named, child], ended: [ended], rotationDue: ["default"] };

interface Root {
  readonly leases: Record<string, unknown>[];
  readonly ended: Record<string, unknown>[];
}

/** The records as JSON, with one change made to the parsed form. */
function changed(change: (root: Root) => void): string {
  const root = JSON.parse(renderLeaseRecords(records)) as Root;
  change(root);
  return JSON.stringify(root);
}

describe("leases.json", () => {
  it("gives back what was written", () => {
    expect(parseLeaseRecords(renderLeaseRecords(records))).toEqual(records);
    const none = { leases: [], ended: [], rotationDue: [] };
    expect(parseLeaseRecords(renderLeaseRecords(none))).toEqual(none);
  });

  it.each([
    ["", "JSON"],
    ["{", "JSON"],
    ["\u0000", "JSON"],
    ["null", "version"],
    ["[]", "version"],
    ["{}", "version"],
    ['{"version":"1"}', "version"],
    ['{"version":0}', "version"],
    ['{"version":5,"new":true}', "newer"],
    ['{"version":1,"leases":[],"ended":[]}', "rotationDue"],
    ['{"version":1,"leases":{},"ended":[],"rotationDue":[]}', "leases"],
    ['{"version":1,"leases":[],"ended":[],"rotationDue":[],"__proto__":{}}', "__proto__"],
  ])("refuses %j and says why", (text, why) => {
    expect(() => parseLeaseRecords(text)).toThrow(why);
  });

  it.each<[string, unknown]>([
    ["id", undefined],
    ["id", ""],
    ["id", "../x"],
    ["id", "default"],
    ["kind", "other"],
    ["kind", "child"],
    ["kind", "default"],
    ["name", ""],
    ["name", 5],
    ["name", "default"],
    ["tokenHash", "abc"],
    ["tokenHash", hashLeaseToken("d")],
    ["tokenHash", ended.tokenHash],
    ["role", undefined],
    ["role", ""],
    ["role", 1],
    ["role", "x".repeat(2049)],
    ["followsDefault", "no"],
    ["temporary", null],
    ["temporary", { until: 1 }],
    ["temporary", { until: 1, thenRole: null, more: 1 }],
    ["previousRole", 7],
    ["holder", { pid: 7, startTime: "x" }],
    ["createdAt", -1],
    ["createdAt", 1.5],
    ["createdAt", 9e15],
    ["expiresAt", "never"],
    ["lastUsedAt", undefined],
    ["surprise", 1],
  ])("refuses a named lease whose %s is %j", (field, value) => {
    const text = changed(({ leases }) => {
      leases[1]![field] = value;
    });

    expect(() => parseLeaseRecords(text)).toThrow();
  });

  it.each<[string, unknown]>([
    ["name", "x"],
    ["holder", undefined],
    ["holder", { pid: 7 }],
    ["holder", { pid: "7", startTime: "x" }],
    ["holder", []],
  ])("refuses a child lease whose %s is %j", (field, value) => {
    const text = changed(({ leases }) => {
      leases[2]![field] = value;
    });

    expect(() => parseLeaseRecords(text)).toThrow();
  });

  it.each<[string, unknown]>([
    ["tokenHash", undefined],
    ["leaseId", "a b"],
    ["kind", ""],
    ["label", null],
    ["endedAt", "now"],
    ["surprise", 1],
  ])("refuses an ended token whose %s is %j", (field, value) => {
    const text = changed(({ ended: tokens }) => {
      tokens[0]![field] = value;
    });

    expect(() => parseLeaseRecords(text)).toThrow();
  });

  it.each(["", "{", '{"version":2}', '{"version":1}', '{"version":1,"leases":[],"ended":[],"rotationDue":[]'])(
    "that holds %j makes every change fail, and is never written over",
    async (text) => {
      const fixture = new LeaseFixture();
      writeFileSync(fixture.path, text, { mode: 0o600 });
      const leases = fixture.registry();

      const error = await brokerErrorOf(() => leases.load());

      expect(error.code).toBe("StoreUnavailable");
      expect(error.message).toContain(fixture.path);
      expect(error.hint).toContain("mv ");
      await expect(leases.reconcile()).rejects.toMatchObject({ code: "StoreUnavailable" });
      await expect(leases.pinned("dev")).rejects.toMatchObject({ code: "StoreUnavailable" });
      await leases.sweep();
      await leases.flush();
      expect(readFileSync(fixture.path, "utf8")).toBe(text);
      expect(fixture.writes).toBe(0);
    },
  );

  it("quotes nothing of a file that is no JSON", () => {
    expect(() => parseLeaseRecords(`x${hashLeaseToken("secret-ish")}`)).not.toThrow(/[0-9a-f]{16}/);
  });
});
