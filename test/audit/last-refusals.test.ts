import { describe, expect, it } from "vitest";
import { LastRefusals } from "../../src/audit/last-refusals.js";
import { type AuditFacts, auditFacts } from "../../src/core/audit-line.js";

const NOW = Date.parse("2026-01-01T00:00:00Z");
const refused = (now: number, more: Partial<AuditFacts> = {}): AuditFacts =>
  auditFacts({
    event: "refused",
    outcome: "refused",
    code: "GuardRefused",
    message: "role prod is guarded",
    now,
    ...more,
  });
const served = (now: number, more: Partial<AuditFacts> = {}): AuditFacts =>
  auditFacts({ event: "fetch", outcome: "served", now, ...more });

describe("the last refusals", () => {
  it("are one of each lease and one of each process, the later of the two when both are asked for", () => {
    const refusals = new LastRefusals();
    refusals.note(refused(NOW, { lease: "a", pid: 1 }));
    refusals.note(refused(NOW + 1, { lease: "a", pid: 2, code: "LeaseEnded" }));
    expect(refusals.find({ lease: "a" })).toMatchObject({ code: "LeaseEnded", pid: 2, at: NOW + 1 });
    expect(refusals.find({ pid: 1 })).toMatchObject({
      code: "GuardRefused",
      message: "role prod is guarded",
      hint: null,
    });
    expect(refusals.find({ lease: "a", pid: 1 })).toMatchObject({ pid: 2 });
    expect([refusals.find({ lease: "b" }), refusals.find({ pid: 3 }), refusals.find({})]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  it("are those of commands that were run from under a lease, too", () => {
    const refusals = new LastRefusals();
    refusals.note(refused(NOW, { caller_lease: "shell", role: "prod" }));
    expect(refusals.find({ lease: "shell" })).toMatchObject({ role: "prod" });
  });

  it("tell when credentials were served after that first, and forget it with the next refusal", () => {
    const refusals = new LastRefusals();
    refusals.note(served(NOW, { lease: "a" }));
    refusals.note(refused(NOW + 1, { lease: "a", outcome: "failed" }));
    expect(refusals.find({ lease: "a" })).toMatchObject({ servedSince: null });
    refusals.note(served(NOW + 2, { lease: "a" }));
    refusals.note(served(NOW + 3, { lease: "a" }));
    expect(refusals.find({ lease: "a" })).toMatchObject({ servedSince: NOW + 2 });
    refusals.note(refused(NOW + 4, { lease: "a" }));
    expect(refusals.find({ lease: "a" })).toMatchObject({ servedSince: null });
  });

  it("are a thousand at most: the oldest is forgotten", () => {
    const refusals = new LastRefusals();
    for (let pid = 1; pid <= 1001; pid++) refusals.note(refused(NOW + pid, { pid, lease: `l${pid}` }));
    expect([refusals.find({ pid: 1, lease: "l1" }), refusals.find({ pid: 2 })?.pid]).toEqual([undefined, 2]);
  });
});
