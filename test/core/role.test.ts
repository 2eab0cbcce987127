import { describe, expect, it } from "vitest";
import { NAME_PATTERN, type Role, sourceOf, ssoRoleId, ssoRoleParts } from "../../src/core/role.js";
import { roleDigest } from "../../src/core/role-digest.js";
import { assume, keysSource, roleOn, sessionRole } from "../support/roles.js";

describe("SOURCE:ACCOUNT/ROLE", () => {
  it.each([
    ["corp:111111111111/Admin", { source: "corp", account: "111111111111", roleName: "Admin" }],
    ["corp:My: own/account/Admin", { source: "corp", account: "My: own/account", roleName: "Admin" }],
    ["corp:two\nlines/Admin", { source: "corp", account: "two\nlines", roleName: "Admin" }],
  ])("%j is read up to its first colon and from its last slash", (name, parts) => {
    expect(ssoRoleParts(name)).toEqual(parts);
  });

  it.each(["prod", "corp:111111111111", ":1/Admin", "corp:/Admin", "corp:1/", "corp/1:Admin", ""])(
    "%j is not of this form",
    (name) => expect(ssoRoleParts(name)).toBeUndefined(),
  );

  it("is written with the account's id, and reads back", () => {
    const id = ssoRoleId("corp", { accountId: "111111111111", roleName: "Admin" });
    expect(ssoRoleParts(id)).toEqual({ source: "corp", account: "111111111111", roleName: "Admin" });
  });
});

describe("a name of a role or source", () => {
  it.each(["a", "A.b_c/d@e+f-1", "0", "x".repeat(128)])("may be %s", (name) => {
    expect(NAME_PATTERN.test(name)).toBe(true);
  });

  it.each(["", ".a", "-a", "a:b", "a b", "ä", "a\n", "x".repeat(129)])("may not be %j", (name) => {
    expect(NAME_PATTERN.test(name)).toBe(false);
  });
});

it("the source of a role is the one at the end of its chain", () => {
  const source = keysSource();
  const chain = roleOn(roleOn(roleOn(source, "a"), "b"), "c");

  expect(sourceOf(chain)).toBe(source);
});

describe("the digest of a role", () => {
  type Definition = Omit<Role, "digest">;
  const source = keysSource();
  const base: Definition = roleOn(source, "prod");
  const digest = (change: Partial<Definition> = {}): string => roleDigest({ ...base, ...change });

  it("is a SHA-256 in hex", () => expect(digest()).toMatch(/^[0-9a-f]{64}$/));

  it("does not depend on the role's name, the region of its clients, or the order of what has none", () => {
    const tags = { a: "1", b: "2" };
    const policyArns = ["arn:aws:iam::aws:policy/A", "arn:aws:iam::aws:policy/B"];
    const full = { tags, policyArns, transitiveTagKeys: ["a", "b"] };
    const turned = {
      tags: { b: "2", a: "1" },
      policyArns: policyArns.toReversed(),
      transitiveTagKeys: ["b", "a"],
    };

    expect(digest({ name: "other", region: "us-east-1" })).toBe(digest());
    expect(digest({ assume: assume("prod", turned) })).toBe(digest({ assume: assume("prod", full) }));
  });

  it.each<[string, Partial<Definition>]>([
    ["the role that is assumed", { assume: assume("other") }],
    ["a parameter of AssumeRole", { assume: assume("prod", { durationSeconds: 900 }) }],
    ["a managed policy", { assume: assume("prod", { policyArns: ["arn:aws:iam::aws:policy/A"] }) }],
    ["a transitive tag", { assume: assume("prod", { transitiveTagKeys: ["a"] }) }],
    ["the name of the source", { origin: { kind: "source", source: keysSource("other") } }],
    ["a field of the source", { origin: { kind: "source", source: keysSource(undefined, { mfaSerial: "arn:x" }) } }],
    ["the region of STS", { stsRegion: "us-east-1" }],
    ["the permission set", { sso: { accountId: "1", roleName: "Admin" } }],
  ])("is another one with %s", (_what, change) => expect(digest(change)).not.toBe(digest()));

  it("is that of its parent and its own, and another one without a role to assume", () => {
    const parent = roleOn(source, "parent", { digest: "p" });
    const on = (digestOfParent: string): string => {
      return digest({ origin: { kind: "role", role: { ...parent, digest: digestOfParent } } });
    };

    expect(on("p")).not.toBe(on("q"));
    expect(on("p")).toBe(digest({ origin: { kind: "role", role: { ...parent, name: "renamed" } } }));
    expect(roleDigest(sessionRole(source, "prod"))).not.toBe(digest());
  });
});
