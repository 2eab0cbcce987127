import { describe, expect, it } from "vitest";
import { CANARY, canarySecretKey } from "../support/canaries.js";
import { EXAMPLE, HEAD, parse, refusal } from "./config-text.js";

describe("parseConfig", () => {
  it("reads the documented example", () => {
    const config = parse(EXAMPLE);

    expect(config).toMatchObject({
      secretStore: "keychain",
      endpointPort: 9171,
      defaultRegion: "eu-west-1",
      idleAfterMs: 8 * 3_600_000,
    });
    expect([...config.sources.keys()]).toEqual(["ops-keys", "ci"]);
    expect(config.sources.get("ops-keys")).toEqual({
      type: "keys",
      name: "ops-keys",
      mfaSerial: "arn:aws:iam::111111111111:mfa/me",
      sessionDurationSeconds: 43_200,
      stsRegion: "eu-west-1",
    });
    expect([...config.roles.keys()]).toEqual(["dev", "prod-role"]);
    expect(config.roles.get("prod-role")).toMatchObject({
      name: "prod-role",
      origin: { kind: "source", source: { name: "ops-keys" } },
      assume: {
        roleArn: "arn:aws:iam::222222222222:role/prod",
        roleSessionName: "me@box",
        durationSeconds: 3600,
        externalId: "abc",
        sourceIdentity: "me",
        tags: { team: "core" },
        transitiveTagKeys: ["team"],
        policy: '{"Version":"2012-10-17","Statement":[]}',
        policyArns: ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
      },
      region: "eu-west-1",
      stsRegion: "eu-west-1",
    });
  });

  it("fills in what the least config leaves out", () => {
    const config = parse(HEAD);

    expect(config).toMatchObject({ secretStore: "key_file", endpointPort: 9171, idleAfterMs: 28_800_000 });
    expect(config.sources.size).toBe(0);
    expect(config.roles.size).toBe(0);
    expect(config).not.toHaveProperty("defaultRegion");
    expect(config).not.toHaveProperty("dataKeyCommand");
  });

  it("takes sections that are empty, for people who comment everything in them out", () => {
    const config = parse(`${HEAD}endpoint:\ndefaults:\nsources:\n  # k: { type: keys }\nroles: ~\nrefresh: {}\n`);

    expect(config.roles.size).toBe(0);
  });

  it.each([
    ["90s", 90_000],
    ["1h30m", 5_400_000],
    ["30m", 1_800_000],
    ["8h", 28_800_000],
    ["2d", 172_800_000],
  ])("reads an idle time of %s", (text, milliseconds) => {
    expect(parse(`${HEAD}refresh: { idle_after: ${text} }\n`).idleAfterMs).toBe(milliseconds);
  });

  it("keeps lambda.via: a role of the file, or one that a source of it can have", () => {
    const sso = "corp: { type: sso, sso_start_url: https://corp.awsapps.com/start, sso_region: eu-west-1 }";
    const role = "dev: { source: corp, sso_account_id: '111111111111', sso_role_name: Dev }";
    const entries = `${HEAD}sources:\n  ${sso}\nroles:\n  ${role}\n`;
    expect(parse(entries).lambdaVia).toBeUndefined();
    expect(parse(`${entries}lambda:\n`).lambdaVia).toBeUndefined();
    expect(parse(`${entries}lambda: { via: dev }\n`).lambdaVia).toBe("dev");
    const adHoc = "corp:222222222222/Ops";
    expect(parse(`${entries}lambda: { via: "${adHoc}" }\n`).lambdaVia).toBe(adHoc);
  });

  it("reads the command of the data key", () => {
    const config = parse('version: 1\nsecret_store: command\ndata_key_command: [op, read, "op://x/y"]\n');

    expect(config.dataKeyCommand).toEqual(["op", "read", "op://x/y"]);
  });

  it("reads a file with CRLF line ends, and counts its lines", () => {
    expect(parse(EXAMPLE.replaceAll("\n", "\r\n")).roles.size).toBe(2);
    expect(refusal(`${HEAD}\nzzz: 1\n`.replaceAll("\n", "\r\n")).message).toContain("config.yaml:4:1: zzz: ");
  });

  it("takes whole values repeated by alias", () => {
    const policy = "policy: &p { Version: '2012-10-17', Statement: [] }";
    const arn = "role_arn: arn:aws:iam::222222222222:role/a";
    const config = parse(
      `${HEAD}sources: { k: { type: keys } }\nroles:\n  a: { source: k, ${arn}, ${policy} }\n  b: { source: k, ${arn}, policy: *p }\n`,
    );

    expect(config.roles.get("b")?.assume?.policy).toBe(config.roles.get("a")?.assume?.policy);
  });

  it("takes names that objects inherit", () => {
    const config = parse(`${HEAD}sources: { toString: { type: keys } }\nroles: { valueOf: { source: toString } }\n`);

    expect(config.roles.get("valueOf")?.origin).toMatchObject({ source: { name: "toString" } });
  });

  it("gives a result that cannot be changed", () => {
    const config = parse(EXAMPLE);
    const role = config.roles.get("prod-role")!;

    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(role.assume?.tags)).toBe(true);
    expect(Object.isFrozen(role.assume?.policyArns)).toBe(true);
    expect(() => (config.roles as Map<string, unknown>).delete("prod-role")).toThrow(TypeError);
    expect(() => (config.sources as Map<string, unknown>).clear()).toThrow(TypeError);
    expect(() => (config.roles as Map<string, unknown>).set("x", role)).toThrow(TypeError);
  });
});

describe("problems", () => {
  it("are all listed, in the order of the file, even where one hides half a section", () => {
    const error = refusal(
      `version: 1\nsources:\n  k: { type: ssso }\n  m: { type: keys }\nroles:\n  a: { source: kk, regoin: x }\n  b: { source: mm }\n  c: { source: k }\n`,
    );

    expect(error.code).toBe("ConfigInvalid");
    expect(error.message.split("\n").map((line) => line.replace("/home/me/config.yaml:", ""))).toEqual([
      "1:1: secret_store: is required",
      '3:14: sources.k.type: must be one of keys, sso, console_login, web_identity, process, aws_sso_cache, profile, instance_metadata, container, not "ssso"; did you mean "sso"?',
      '6:20: roles.a.regoin: unknown key; did you mean "region"?',
      '7:16: roles.b.source: unknown source "mm"; did you mean "m"?',
    ]);
  });

  it("are counted beyond a hundred", () => {
    const lines = Array.from({ length: 150 }, (_, index) => `  r${index}: { source: none }\n`).join("");
    const shown = refusal(`${HEAD}roles:\n${lines}`).message.split("\n");

    expect(shown).toHaveLength(101);
    expect(shown.at(-1)).toBe("and 50 more problems");
  });

  it("point into the anchor where an aliased value is wrong", () => {
    const error = refusal(`${HEAD}sources:\n  a: &a { type: keys,\n    region: EU }\n  b: *a\n`);

    expect(error.message).toContain("config.yaml:5:13: sources.a.region: ");
    expect(error.message).toContain("config.yaml:5:13: sources.b.region: ");
  });

  it.each([
    ["a secret key as a value", `external_id: "${canarySecretKey("/+")} "`],
    ["a secret key as a key", `${canarySecretKey()}: x`],
    ["a secret key as a placeholder", `role_session_name: "{${canarySecretKey()}}"`],
    ["a secret key as a source", `source_role: ${canarySecretKey()}`],
    ["a secret key under its own name", `aws_secret_access_key: ${canarySecretKey()}`],
    ["a secret key after broken YAML", `x: "${canarySecretKey()}" "${canarySecretKey()}"`],
    ["a secret key as an anchor", `x: *${canarySecretKey()}`],
    ["a secret key as a tag", `x: !${canarySecretKey()} y`],
    ["a secret key in a policy text", `policy: "${canarySecretKey()}"`],
    ["a secret key as a transitive tag", `transitive_tag_keys: [${canarySecretKey()}]`],
    ["a lease token", `region: brk_${CANARY}`],
    ["a passphrase for an unknown key", `passphrase: correct horse ${CANARY}`],
  ])("do not repeat %s", (_, line) => {
    const error = refusal(
      `${HEAD}sources: { k: { type: keys } }\nroles:\n  r:\n    source: k\n    role_arn: arn:aws:iam::222222222222:role/a\n    ${line}\n`,
    );

    expect(`${error.message}${String(error.stack)}`).not.toContain(CANARY);
  });

  it("send pasted keys to the secret store", () => {
    const error = refusal(`${HEAD}sources:\n  ops: { type: keys, access_key_id: AKIAIOSFODNN7EXAMPLE }\n`);

    expect(error.message).toContain(
      "sources.ops.access_key_id: keys never stand in the config: brokerctl keys add ops",
    );
    expect(error.message).not.toContain("IOSFODNN7");
  });
});
