import { describe, expect, it } from "vitest";
import { adHocRole } from "../../src/config/ad-hoc-role.js";
import { grantDigest } from "../../src/core/guard.js";
import { HEAD, parse } from "./config-text.js";
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
