import { describe, expect, it } from "vitest";
import { adHocRole, guardsIn } from "../../src/config/ad-hoc-role.js";
import { planRoleAdd } from "../../src/config/edit/edit-config.js";
import { parseAround } from "../../src/config/parse-around.js";
import { grantDigest, guardOfUnnamed } from "../../src/core/guard.js";
import { HEAD, PLACE, parse } from "./config-text.js";
import { ROLE, role, roles } from "./refusals.js";

const guardOf = (text: string, name = "r"): unknown => parse(text).roles.get(name)?.guard;

describe("guard of a role", () => {
  it("is what the file says, an hour where it says no time", () => {
    expect(guardOf(role("guard: { confirm: desktop, reason: true, max_lease: 30m }"))).toEqual({
      confirm: "desktop",
      reason: true,
      maxLeaseSeconds: 1800,
    });
    expect(guardOf(role("guard: { reason: true }"))).toEqual({ reason: true, maxLeaseSeconds: 3600 });
    expect(guardOf(role(""))).toBeUndefined();
  });

  it("is the strictest of the chain: each condition from the role that asks for more", () => {
    const chained = (own: string): unknown =>
      guardOf(
        roles(
          `  a: { source: k, role_arn: "${ROLE}", guard: { confirm: desktop, max_lease: 30m } }\n` +
            `  b: { source_role: a, role_arn: "${ROLE}" }\n` +
            `  c: { source_role: b, role_arn: "${ROLE}"${own} }`,
        ),
        "c",
      );

    expect(chained("")).toEqual({ confirm: "desktop", reason: false, maxLeaseSeconds: 1800 });
    expect(chained(", guard: { confirm: terminal, reason: true, max_lease: 2h }")).toEqual({
      confirm: "desktop",
      reason: true,
      maxLeaseSeconds: 1800,
    });
    expect(chained(", guard: { max_lease: 5m }")).toEqual({ confirm: "desktop", reason: false, maxLeaseSeconds: 300 });
  });

  it("takes the passphrase of the secret store that has one", () => {
    const text = role("guard: { confirm: passphrase }").replace("key_file", "passphrase");

    expect(guardOf(text)).toEqual({ confirm: "passphrase", reason: false, maxLeaseSeconds: 3600 });
  });

  it("shortens the session that AWS is asked for, never below AWS's shortest", () => {
    const seconds = (fields: string): unknown => parse(role(fields)).roles.get("r")?.assume?.durationSeconds;

    expect(seconds("guard: { max_lease: 30m }")).toBe(1800);
    expect(seconds("guard: { max_lease: 5m }")).toBe(900);
    expect(seconds("duration_seconds: 900\nguard: { max_lease: 30m }")).toBe(900);
    expect(seconds("guard: { max_lease: 12h }")).toBe(3600);
  });

  it("is no part of what decides the credentials, and all of what a yes was said to", () => {
    const [plain, guarded, stricter] = ["", "guard: { reason: true }", "guard: { reason: true, confirm: desktop }"]
      .map((fields) => parse(role(fields)).roles.get("r"))
      .map((found) => found ?? expect.fail("no role r"));

    expect(guarded?.digest).toBe(plain?.digest);
    expect(new Set([plain, guarded, stricter].map((one) => one && grantDigest(one))).size).toBe(3);
  });
});

describe("guard of a role that no entry names", () => {
  const sso = `${HEAD}sources:
  corp: { type: sso, sso_start_url: https://corp.awsapps.com/start, sso_region: eu-west-1 }
roles:
  admin: { source: corp, sso_account_id: "111111111111", sso_role_name: Admin, guard: { confirm: desktop, max_lease: 30m } }
`;

  it("is that of the entry which yields the same permission set", () => {
    expect(adHocRole("corp:111111111111/Admin", parse(sso))?.guard).toEqual({
      confirm: "desktop",
      reason: false,
      maxLeaseSeconds: 1800,
    });
    expect(adHocRole("corp:111111111111/ReadOnly", parse(sso))?.guard).toBeUndefined();
    expect(adHocRole("corp:222222222222/Admin", parse(sso))?.guard).toBeUndefined();
  });
});

describe("guard of a role that is left out", () => {
  const config = (guard: string, more = ""): string => `${HEAD}sources:
  corp: { type: sso, sso_start_url: https://corp.awsapps.com/start, sso_region: eu-west-1 }
roles:
  admin: { source: corp, sso_account_id: "111111111111", sso_role_name: Admin, guard: ${guard}${more} }
`;
  const guardAround = (text: string): unknown =>
    adHocRole("corp:111111111111/Admin", parseAround({ text, ...PLACE }))?.guard;

  it("holds for the same role by its other name, as it stands, while the entry has a mistake elsewhere", () => {
    const guard = "{ confirm: terminal, max_lease: 30m }";
    expect(guardAround(config(guard, ", regoin: x"))).toEqual({
      confirm: "terminal",
      reason: false,
      maxLeaseSeconds: 1800,
    });
    expect(guardAround(config(guard).replace('"111111111111"', "111111111111"))).toMatchObject({ confirm: "terminal" });
  });

  it.each([
    ["{ confirm: termnal }", { confirm: "desktop", reason: false }],
    ["{ cnofirm: terminal }", { confirm: "desktop", reason: true, maxLeaseSeconds: 900 }],
    ["yes", { confirm: "desktop", reason: true }],
    ["[]", { confirm: "desktop", reason: true }],
    ["{}", { confirm: "desktop", reason: true }],
    ["{ reason: please }", { reason: true }],
    ["{ max_lease: long }", { maxLeaseSeconds: 900 }],
  ])("that cannot be read (%s) counts as the strictest", (guard, expected) => {
    expect(guardAround(config(guard))).toMatchObject(expected);
  });

  it("is the passphrase's where there is one to ask for", () => {
    const text = config("{ confirm: termnal }").replace(/secret_store: \w+/, "secret_store: passphrase");
    expect(guardAround(text)).toMatchObject({ confirm: "passphrase" });
  });

  it("is there through the role that it is chained from, and none where there was none", () => {
    const chained = `${HEAD}sources:\n  k: { type: keys }\nroles:
  base: { source: k, role_arn: "arn:aws:iam::111111111111:role/base", guard: { confirm: desktop }, regoin: x }
  prod: { source_role: base, role_arn: "arn:aws:iam::222222222222:role/Prod" }
  free: { source: k, role_arn: "arn:aws:iam::333333333333:role/free", regoin: x }
`;
    const around = parseAround({ text: chained, ...PLACE });
    expect(around.roles.size).toBe(0);
    const guardOf = (roleArn: string): unknown => guardOfUnnamed({ assume: { roleArn } }, guardsIn(around));
    expect(guardOf("arn:aws:iam::222222222222:role/prod")).toMatchObject({ confirm: "desktop" });
    expect(guardOf("arn:aws:iam::333333333333:role/free")).toBeUndefined();
  });
});

describe("an entry without a guard for the role of AWS that a guarded one yields", () => {
  const config = (alias: string): string => `${HEAD}sources:\n  k: { type: keys }\nroles:
  prod: { source: k, role_arn: "arn:aws:iam::111111111111:role/Prod", guard: { confirm: terminal } }
  alias: { source: k, role_arn: "arn:aws:iam::111111111111:role/prod"${alias} }
`;

  it("is noted, by the check of the config and by an edit that adds either of the two", () => {
    expect(parse(config("")).notes).toEqual([expect.stringContaining("role alias is the same role of AWS as prod")]);
    const base = config("").replace(/ {2}alias.*\n/, "");
    const fields = { source: "k", role_arn: "arn:aws:iam::111111111111:role/prod" };
    const { notes } = planRoleAdd({ text: base, ...PLACE, name: "other", fields });
    expect(notes).toEqual([expect.stringContaining("role other is the same role of AWS as prod")]);
    const unrelated = { source: "k", role_arn: "arn:aws:iam::111111111111:role/x" };
    expect(planRoleAdd({ text: config(""), ...PLACE, name: "x", fields: unrelated })).not.toHaveProperty("notes");
  });

  it.each([", guard: { reason: true }", ', policy_arns: ["arn:aws:iam::aws:policy/ReadOnlyAccess"]'])(
    "is not where it has a guard or is narrowed by a policy: %s",
    (alias) => {
      expect(parse(config(alias))).not.toHaveProperty("notes");
    },
  );
});

describe("requests", () => {
  const rules = (text: string): unknown =>
    parse(`${HEAD}requests:\n${text}\n`).requestRules.map(({ glob, fits, decide, maxSeconds }) => ({
      ...{ glob, decide, maxSeconds },
      fits: ["dev", "prod-eu", "team/prod", "corp:111111111111/Admin"].filter(fits),
    }));

  it("are rules with patterns, in the order of the file", () => {
    expect(
      rules(
        `  - { role: "prod-*", decide: ask, max: 30m }\n  - { role: "{dev,team/*}", scope: any, decide: allow }\n  - { role: "*", decide: deny }`,
      ),
    ).toEqual([
      { glob: "prod-*", decide: "ask", maxSeconds: 1800, fits: ["prod-eu"] },
      { glob: "{dev,team/*}", decide: "allow", maxSeconds: 3600, fits: ["dev", "team/prod"] },
      { glob: "*", decide: "deny", maxSeconds: 3600, fits: ["dev", "prod-eu", "team/prod", "corp:111111111111/Admin"] },
    ]);
  });

  it("are none where the file says nothing", () => {
    expect(parse(HEAD).requestRules).toEqual([]);
    expect(parse(`${HEAD}requests:\n`).requestRules).toEqual([]);
  });
});
