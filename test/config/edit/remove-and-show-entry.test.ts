import { describe, expect, it } from "vitest";
import { planRemove } from "../../../src/config/edit/remove-entry.js";
import { showEntry } from "../../../src/config/edit/show-entry.js";
import { caught, EXAMPLE, HEAD, PLACE } from "../config-text.js";

const role = { ...PLACE, kind: "role" } as const;
const source = { ...PLACE, kind: "source" } as const;

describe("an entry that is removed", () => {
  it("goes with its lines, and every other byte stays", () => {
    const text = EXAMPLE.replace(/^(projects:| {2}orders:|lambda:).*\n/gm, "");
    const { text: left, summary } = planRemove({ ...role, text, name: "prod-role" });
    const [start, end] = [text.indexOf("  prod-role:"), text.indexOf("    # guard:")];
    expect(left).toBe(text.slice(0, start) + text.slice(end));
    expect(summary).toEqual(["removes role prod-role"]);
  });

  it("leaves an empty section that the next one can be added to", () => {
    const text = `${HEAD}sources:\n  k: { type: keys } # mine\n`;
    expect(planRemove({ ...source, text, name: "k" }).text).toBe(`${HEAD}sources:\n`);
  });

  it.each([
    ["a role", role, "dev", ["lambda.via", "projects.orders.role", "projects.orders.stages.dev"]],
    ["a source", source, "ci", ["roles.dev.source"]],
  ])("and is named elsewhere stays, with every place: %s", (_, kind, name, places) => {
    const error = caught(() => planRemove({ ...kind, text: EXAMPLE, name }));
    expect(error.code).toBe("Conflict");
    expect(error.message).toContain(places.join(", "));
  });

  it("and is not there is refused with the one that was meant", () => {
    expect(caught(() => planRemove({ ...role, text: EXAMPLE, name: "prod-roll" })).message).toContain("prod-role?");
  });
});

describe("an entry that is shown", () => {
  it("is as it stands in the file, from its name on, with its place and what names it", () => {
    expect(showEntry({ ...role, text: EXAMPLE, name: "dev" })).toEqual({
      ...{ kind: "role", name: "dev", line: 10 },
      text: 'dev:       { source: ci, role_arn: "arn:aws:iam::111111111111:role/dev", duration_seconds: 43200 }',
      fields: { source: "ci", role_arn: "arn:aws:iam::111111111111:role/dev", duration_seconds: 43200 },
      usedBy: ["lambda.via", "projects.orders.role", "projects.orders.stages.dev"],
    });
    const { text, line } = showEntry({ ...role, text: EXAMPLE, name: "prod-role" });
    expect(line).toBe(12);
    expect(text.split("\n").slice(0, 2)).toEqual([
      "prod-role:",
      "  source: ops-keys                # or  source_role: dev  to chain from another role",
    ]);
  });

  it("is shown of a file that has problems elsewhere, and is unknown where the file has none", () => {
    const text = `${HEAD}sources:\n  k: { type: keys, rgion: x }\nroles:\n  a: { source: kk }\n`;
    expect(showEntry({ ...source, text, name: "k" }).usedBy).toEqual([]);
    expect(caught(() => showEntry({ ...role, text: `${HEAD}roles: [`, name: "a" })).code).toBe("RoleUnknown");
  });
});
