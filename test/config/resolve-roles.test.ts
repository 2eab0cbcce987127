import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/parse-config.js";
import { type Role, sourceOf } from "../../src/core/role.js";
import { HEAD, PLACE, parse } from "./config-text.js";

const ARN = "arn:aws:iam::222222222222:role/a";
const CN_ARN = "arn:aws-cn:iam::222222222222:role/a";

/** The roles of a config with sources `k` (no MFA) and `m` (MFA), and more lines before `roles:`. */
function rolesOf(lines: string, more = ""): ReadonlyMap<string, Role> {
  const sources = `sources:\n  k: { type: keys }\n  m: { type: keys, mfa_serial: GAHT12345678 }\n`;
  return parse(`${HEAD}${more}${sources}roles:\n${lines}\n`).roles;
}

function roleOf(fields: string, more = ""): Role {
  return rolesOf(`  r: { ${fields} }`, more).get("r")!;
}

describe("a resolved role", () => {
  it("without role_arn assumes nothing and is served from its source's session", () => {
    const role = roleOf("source: m");

    expect(role.assume).toBeUndefined();
    expect(role.origin).toEqual({ kind: "source", source: expect.objectContaining({ name: "m" }) as unknown });
  });

  it("chains through any number of roles, in whatever order the file has them", () => {
    const links = Array.from(
      { length: 40 },
      (_, index) => `  r${index + 1}: { source_role: r${index}, role_arn: "${ARN}" }`,
    );
    const roles = rolesOf([...links.reverse(), `  r0: { source: k, role_arn: "${ARN}" }`].join("\n"));

    expect([...roles.keys()].slice(0, 2)).toEqual(["r40", "r39"]);
    expect(roles.get("r40")?.origin).toEqual({ kind: "role", role: roles.get("r39") });
    expect(sourceOf(roles.get("r40")!).name).toBe("k");
  });

  it("lasts an hour unless it says otherwise, and twelve where a key without MFA signs it", () => {
    expect(roleOf(`source: k, role_arn: "${ARN}"`).assume?.durationSeconds).toBe(3600);
    expect(roleOf(`source: k, role_arn: "${ARN}", duration_seconds: 43200`).assume?.durationSeconds).toBe(43_200);
  });

  it("may last less than an hour wherever it is in a chain", () => {
    const roles = rolesOf(
      `  a: { source: m, role_arn: "${ARN}", duration_seconds: 900 }\n  b: { source_role: a, role_arn: "${ARN}", duration_seconds: 3600 }`,
    );

    expect(roles.get("a")?.assume?.durationSeconds).toBe(900);
    expect(roles.get("b")?.assume?.durationSeconds).toBe(3600);
  });

  it("keeps the source identity of its chain when it sets the same", () => {
    const roles = rolesOf(
      `  a: { source: k, role_arn: "${ARN}", source_identity: me }\n  b: { source_role: a, role_arn: "${ARN}", source_identity: me }`,
    );

    expect(roles.get("b")?.assume?.sourceIdentity).toBe("me");
  });

  it("sends a policy minified, whether it is a map or JSON text", () => {
    const map = roleOf(
      `source: k, role_arn: "${ARN}", policy: { Version: "2012-10-17", Statement: { Effect: Allow } }`,
    );
    const text = roleOf(
      `source: k, role_arn: "${ARN}", policy: '{ "Version": "2012-10-17",  "Statement": {"Effect": "Allow"} }'`,
    );

    expect(map.assume?.policy).toBe('{"Version":"2012-10-17","Statement":{"Effect":"Allow"}}');
    expect(text.assume?.policy).toBe(map.assume?.policy);
  });

  it("takes a policy of exactly 2048 characters with its ARNs", () => {
    const arn = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    const frame = '{"Version":"2012-10-17","Statement":[{"Sid":""}]}';
    const sid = "x".repeat(2048 - frame.length - arn.length);
    const policy = frame.replace('""', `"${sid}"`);

    expect(roleOf(`source: k, role_arn: "${ARN}", policy: '${policy}', policy_arns: [${arn}]`).assume?.policy).toBe(
      policy,
    );
    expect(() =>
      roleOf(`source: k, role_arn: "${ARN}", policy: '${policy.replace("xx", "xxx")}', policy_arns: [${arn}]`),
    ).toThrow();
  });
});

describe("a session name", () => {
  it.each([
    [undefined, "credbroker-j-rg"],
    ["{user}@{host}", "j-rg@laptop.local"],
    ["{role}", "team-prod"],
    ["a b/c:d", "a-b-c-d"],
    ["{user}{user}", "j-rgj-rg"],
    ["x".repeat(80), "x".repeat(64)],
    ["ab", "ab"],
  ])("of %s is %s", (template, expected) => {
    const line = template === undefined ? "" : `, role_session_name: "${template}"`;
    const text = `${HEAD}sources: { k: { type: keys } }\nroles: { team/prod: { source: k, role_arn: "${ARN}"${line} } }\n`;
    const config = parseConfig({ text, ...PLACE, user: "jörg", host: "laptop.local" });

    expect(config.roles.get("team/prod")?.assume?.roleSessionName).toBe(expected);
  });
});

describe("regions", () => {
  const defaults = "defaults: { region: eu-west-1 }\n";

  it("are the role's own, before its source's and the default", () => {
    const { roles } = parse(
      `${HEAD}${defaults}sources: { k: { type: keys, region: eu-central-1 } }\nroles: { r: { source: k, role_arn: "${ARN}", region: eu-north-1 } }\n`,
    );

    expect(roles.get("r")).toMatchObject({ region: "eu-north-1", stsRegion: "eu-north-1" });
  });

  it("of STS are the source's before the default, while clients are told the default", () => {
    const { roles, sources } = parse(
      `${HEAD}${defaults}sources: { k: { type: keys, region: eu-central-1 } }\nroles: { r: { source: k, role_arn: "${ARN}" } }\n`,
    );

    expect(roles.get("r")).toMatchObject({ region: "eu-west-1", stsRegion: "eu-central-1" });
    expect(sources.get("k")?.stsRegion).toBe("eu-central-1");
  });

  it("of a chained role are not its parent's, but its source's", () => {
    const { roles } = parse(
      `${HEAD}sources: { k: { type: keys, region: eu-central-1 } }\nroles:\n  a: { source: k, role_arn: "${ARN}", region: eu-north-1 }\n  b: { source_role: a, role_arn: "${ARN}" }\n`,
    );

    expect(roles.get("b")?.stsRegion).toBe("eu-central-1");
    expect(roles.get("b")).not.toHaveProperty("region");
  });

  it.each([
    ["aws", "us-east-1"],
    ["aws-cn", "cn-north-1"],
    ["aws-us-gov", "us-gov-west-1"],
  ])("of %s where nothing names one: %s", (partition, region) => {
    const { roles, sources } = parse(
      `${HEAD}sources: { k: { type: keys } }\nroles: { r: { source: k, role_arn: "arn:${partition}:iam::222222222222:role/a" } }\n`,
    );

    expect(roles.get("r")?.stsRegion).toBe(region);
    expect(roles.get("r")).not.toHaveProperty("region");
    expect(sources.get("k")?.stsRegion).toBe(region);
  });

  it("of the defaults are passed over by roles and sources of another partition", () => {
    const role = roleOf(`source: k, role_arn: "${CN_ARN}"`, defaults);

    expect(role.stsRegion).toBe("cn-north-1");
    expect(role).not.toHaveProperty("region");
    expect(sourceOf(role).stsRegion).toBe("cn-north-1");
  });

  it("tell the partition of a source that nothing else tells", () => {
    const role = roleOf("source: k", "defaults: { region: cn-northwest-1 }\n");

    expect(role).toMatchObject({ region: "cn-northwest-1", stsRegion: "cn-northwest-1" });
    expect(sourceOf(role).stsRegion).toBe("cn-northwest-1");
  });

  it("may be new ones of which only AWS knows the partition", () => {
    expect(roleOf(`source: k, role_arn: "${ARN}", region: xy-north-1`).stsRegion).toBe("xy-north-1");
  });
});

describe("the digest of a role", () => {
  const base = `source: k, role_arn: "${ARN}", external_id: abc, tags: { a: x, b: y }, transitive_tag_keys: [a, b]`;
  const digest = roleOf(base).digest;

  it("is a SHA-256 in hex that a new start repeats", () => {
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
    expect(roleOf(base).digest).toBe(digest);
  });

  it.each([
    ["the role's name", `  other: { ${base} }`],
    [
      "the order of its fields",
      `  r: { tags: { b: y, a: x }, transitive_tag_keys: [b, a], external_id: abc, role_arn: "${ARN}", source: k }`,
    ],
    ["what another role says", `  r: { ${base} }\n  s: { source: m }`],
    [
      "a default that is spelled out",
      `  r: { ${base}, duration_seconds: 3600, role_session_name: "credbroker-{user}" }`,
    ],
  ])("does not depend on %s", (_, lines) => {
    expect([...rolesOf(lines).values()][0]?.digest).toBe(digest);
  });

  it("does not depend on the region that clients are told", () => {
    const text = (region: string): string =>
      `${HEAD}defaults: { region: ${region} }\nsources: { k: { type: keys, region: eu-central-1 } }\nroles: { r: { source: k } }\n`;
    const [one, other] = ["eu-west-1", "eu-west-2"].map((region) => parse(text(region)).roles.get("r"));

    expect(one?.region).not.toBe(other?.region);
    expect(one?.digest).toBe(other?.digest);
  });

  it.each([
    ["source", `source: m, role_arn: "${ARN}", external_id: abc, tags: { a: x, b: y }, transitive_tag_keys: [a, b]`],
    ["role_arn", base.replace("role/a", "role/b")],
    ["external_id", base.replace("abc", "abd")],
    ["a tag", base.replace("a: x", "a: z")],
    ["transitive keys", base.replace("[a, b]", "[a]")],
    ["duration_seconds", `${base}, duration_seconds: 900`],
    ["role_session_name", `${base}, role_session_name: me`],
    ["source_identity", `${base}, source_identity: me`],
    ["policy", `${base}, policy: { Version: "2012-10-17", Statement: [] }`],
    ["policy_arns", `${base}, policy_arns: [arn:aws:iam::aws:policy/ReadOnlyAccess]`],
    ["the STS endpoint", `${base}, region: eu-west-1`],
  ])("changes with %s", (_, fields) => {
    expect(roleOf(fields).digest).not.toBe(digest);
  });

  it("changes with the MFA device and the session of its source", () => {
    const of = (fields: string): string | undefined =>
      parse(`${HEAD}sources: { k: { type: keys${fields} } }\nroles: { r: { source: k } }\n`).roles.get("r")?.digest;
    const digests = [of(""), of(", mfa_serial: GAHT12345678"), of(", session_duration_seconds: 900")];

    expect(new Set(digests).size).toBe(3);
  });

  it("changes with any role of its chain", () => {
    const of = (externalId: string): string | undefined =>
      rolesOf(
        `  a: { source: k, role_arn: "${ARN}", external_id: ${externalId} }\n  b: { source_role: a, role_arn: "${ARN}" }\n  c: { source_role: b, role_arn: "${ARN}" }`,
      ).get("c")?.digest;

    expect(of("abc")).not.toBe(of("abd"));
  });
});
