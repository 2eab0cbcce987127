import { describe, expect, it } from "vitest";
import { auditFacts, NO_LINE_BEFORE, parseAuditLine, renderAuditLine } from "../../src/core/audit-line.js";

const facts = auditFacts({ event: "fetch", now: 0, role: "dev", lease: "default", uid: 1000, pid: 7 });
const line = renderAuditLine({ n: 1, facts, prev: NO_LINE_BEFORE });

describe("a line of the audit log", () => {
  it("is read as it was written, with what a newer version adds", () => {
    expect(parseAuditLine(line)).toMatchObject({ n: 1, event: "fetch", role: "dev", uid: 1000 });
    expect(parseAuditLine(line.replace("{", '{"later":[1],'))).toMatchObject({ n: 1, role: "dev" });
  });

  it.each([
    ["a list for a role", '"role":"dev"', '"role":["dev"]'],
    ["a list in lists for a role, deeper than any text can be made of", '"role":"dev"', `"role":${nested(5000)}`],
    ["an object for a lease", '"lease":"default"', '"lease":{"toString":1}'],
    ["a text for a pid", '"pid":7', '"pid":"7"'],
    ["no number of its own", '"n":1', '"n":null'],
    ["a list for its time", '"time":"1970-01-01T00:00:00.000Z"', '"time":["1970-01-01T00:00:00.000Z"]'],
  ])("with %s is none of ours", (_, right, wrong) => {
    const changed = line.replace(right, wrong);
    expect(changed).not.toBe(line);
    expect(parseAuditLine(changed)).toBeUndefined();
  });
});

function nested(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}
