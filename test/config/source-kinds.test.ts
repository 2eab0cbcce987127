import { describe, expect, it } from "vitest";
import type { Config } from "../../src/config/config.js";
import { HEAD, parse } from "./config-text.js";

const ARN = "arn:aws:iam::222222222222:role/a";
/** As many entries as there are kinds. */
const SOURCES = `sources:
  corp:   { type: sso, sso_start_url: https://corp.awsapps.com/start, sso_region: eu-west-1 }
  oidc:   { type: web_identity, web_identity_token_file: /var/run/token }
  legacy: { type: process, credential_process: "/opt/bin/creds --json" }
  cli:    { type: aws_sso_cache, sso_session: corp }
  older:  { type: aws_sso_cache, sso_start_url: "https://corp.awsapps.com/start#/", sso_region: eu-central-1 }
  old:    { type: profile, profile: legacy-admin }
  box:    { type: instance_metadata }
  task:   { type: container, region: eu-north-1 }
  totp:   { type: keys, mfa_serial: GAHT12345678, mfa_process: "ykman oath accounts code -s aws" }
`;

function config(roles = "", more = ""): Config {
  return parse(`${HEAD}${more}${SOURCES}roles:\n${roles}\n`);
}

describe("a source", () => {
  it("of each kind holds what its provider needs", () => {
    const { sources } = config();

    expect(sources.get("corp")).toEqual({
      type: "sso",
      name: "corp",
      startUrl: "https://corp.awsapps.com/start",
      ssoRegion: "eu-west-1",
      registrationScopes: ["sso:account:access"],
      stsRegion: "eu-west-1",
    });
    expect(sources.get("oidc")).toMatchObject({ type: "web_identity", tokenFile: "/var/run/token" });
    expect(sources.get("legacy")).toMatchObject({ type: "process", command: "/opt/bin/creds --json" });
    expect(sources.get("cli")).toMatchObject({ type: "aws_sso_cache", session: { ssoSession: "corp" } });
    expect(sources.get("older")).toMatchObject({
      session: { startUrl: "https://corp.awsapps.com/start#/" },
      ssoRegion: "eu-central-1",
    });
    expect(sources.get("old")).toMatchObject({ type: "profile", profile: "legacy-admin" });
    expect(sources.get("box")).toEqual({ type: "instance_metadata", name: "box", stsRegion: "us-east-1" });
    expect(sources.get("task")).toEqual({ type: "container", name: "task", stsRegion: "eu-north-1" });
    expect(sources.get("totp")).toMatchObject({ mfaProcess: "ykman oath accounts code -s aws" });
  });

  it("of type sso asks for the scopes that the config names", () => {
    const text = `${HEAD}sources:\n  s: { type: sso, sso_start_url: https://corp.awsapps.com/start, sso_region: eu-west-1, sso_registration_scopes: [sso:account:access, codewhisperer:completions] }\n`;

    expect(parse(text).sources.get("s")).toMatchObject({
      registrationScopes: ["sso:account:access", "codewhisperer:completions"],
    });
  });

  it("is in the partition of its portal", () => {
    const text = `${HEAD}sources:\n  s: { type: sso, sso_start_url: https://start.home.awsapps.cn/d, sso_region: cn-north-1 }\nroles:\n  r: { source: s, sso_account_id: "111111111111", sso_role_name: Dev, region: cn-northwest-1 }\n`;

    expect(parse(text).roles.get("r")).toMatchObject({ region: "cn-northwest-1", stsRegion: "cn-northwest-1" });
  });
});

describe("a role", () => {
  it.each(["corp", "cli"])("on %s is a permission set of an account", (source) => {
    const role = config(`  r: { source: ${source}, sso_account_id: "012345678901", sso_role_name: Dev }`).roles.get(
      "r",
    );

    expect(role?.sso).toEqual({ accountId: "012345678901", roleName: "Dev" });
    expect(role?.assume).toBeUndefined();
  });

  it("on a permission set can be chained from, for an hour", () => {
    const { roles } = config(
      `  a: { source: corp, sso_account_id: "111111111111", sso_role_name: Dev }\n  b: { source_role: a, role_arn: "${ARN}", duration_seconds: 3600 }`,
    );

    expect(roles.get("b")).toMatchObject({ origin: { kind: "role", role: { name: "a" } } });
    expect(roles.get("b")?.sso).toBeUndefined();
  });

  it("on a web identity may last twelve hours", () => {
    const role = config(
      `  r: { source: oidc, role_arn: "${ARN}", duration_seconds: 43200, policy_arns: [] }`,
    ).roles.get("r");

    expect(role?.assume?.durationSeconds).toBe(43_200);
  });

  it.each(["legacy", "old", "box", "task"])("on %s serves the source's own credentials without role_arn", (source) => {
    const role = config(`  r: { source: ${source} }`).roles.get("r");

    expect(role).toMatchObject({ origin: { kind: "source", source: { name: source } } });
    expect(role?.assume).toBeUndefined();
  });

  it("becomes another one with another permission set, token file, command or profile", () => {
    const role = (source: string, fields: string): string | undefined =>
      parse(`${HEAD}sources:\n  s: { ${source} }\nroles:\n  r: { source: s${fields} }\n`).roles.get("r")?.digest;
    const sso = "type: sso, sso_start_url: https://corp.awsapps.com/start, sso_region: eu-west-1";
    const set = (account: string, name: string): string => `, sso_account_id: "${account}", sso_role_name: ${name}`;
    const digests = [
      role(sso, set("111111111111", "Dev")),
      role(sso, set("222222222222", "Dev")),
      role(sso, set("111111111111", "Ops")),
      role(sso.replace("corp.", "other."), set("111111111111", "Dev")),
      role("type: web_identity, web_identity_token_file: /a", `, role_arn: "${ARN}"`),
      role("type: web_identity, web_identity_token_file: /b", `, role_arn: "${ARN}"`),
      role("type: process, credential_process: a", ""),
      role("type: process, credential_process: b", ""),
      role("type: profile, profile: a", ""),
      role("type: profile, profile: b", ""),
      role("type: instance_metadata", ""),
      role("type: container", ""),
    ];

    expect(digests).not.toContain(undefined);
    expect(new Set(digests).size).toBe(digests.length);
  });
});
