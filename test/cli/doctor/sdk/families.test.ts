import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { FAMILIES } from "../../../../src/cli/doctor/sdk/families.js";
import { CONFIG, CREDENTIALS, HOME, keys, type ShellParts, shellWith, verdictOf } from "../shell.js";

/** C: the lease, X: another source, E: an error, N: nothing. */
const LETTERS = { lease: "C", other: "X", error: "E", none: "N" } as const;
const CLIENTS = ["botocore", "JavaScript v3", "JavaScript v2", "CRT", "Go v2", "Rust", "Java v2", ".NET", "Ruby"];
const SSO = `sso_start_url = https://x.awsapps.com/start\nsso_region = eu-west-1\nsso_account_id = 1\nsso_role_name = r\n`;
const TEAM = "[profile team]\nregion = eu-west-1\n";
const ENV_KEYS = { AWS_ACCESS_KEY_ID: "AKIAENVIRONMENT0ENVK", AWS_SECRET_ACCESS_KEY: "x" };

/** What was measured with the first five of these clients, and read in the source of the others; in the order of CLIENTS. */
const MATRIX: readonly (readonly [situation: string, parts: ShellParts, expected: string])[] = [
  ["nothing but the lease", {}, "CCCCCCCCC"],
  ["a [default] with a region only", { config: "[default]\nregion = eu-west-1\n" }, "CCCCCCCCC"],
  ["AWS_PROFILE of a profile with a region only", { config: TEAM, env: { AWS_PROFILE: "team" } }, "CCCCCCCCC"],
  ["AWS_PROFILE of an unknown profile", { env: { AWS_PROFILE: "missing" } }, "ECCCECCEC"],
  ["keys in [default]", { credentials: `[default]\n${keys("DEFA")}` }, "XXXXXXXXX"],
  [
    "keys in [default], and AWS_PROFILE of another profile",
    { credentials: `[default]\n${keys("DEFA")}`, config: TEAM, env: { AWS_PROFILE: "team" } },
    "CCCCCCCCC",
  ],
  ["SSO without a login", { config: `[profile s]\n${SSO}`, env: { AWS_PROFILE: "s" } }, "EECCEECCE"],
  ["keys in variables", { env: ENV_KEYS }, "XXXXXXXXX"],
  ["keys in variables, and AWS_PROFILE", { env: { ...ENV_KEYS, AWS_PROFILE: "team" }, config: TEAM }, "XCXXXXXXX"],
  ["empty keys in variables", { env: { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" } }, "CCCCCCCCC"],
  [
    "a web identity token that is missing",
    { env: { AWS_WEB_IDENTITY_TOKEN_FILE: "/missing", AWS_ROLE_ARN: "arn:aws:iam::1:role/r" } },
    "EECCEECCE",
  ],
];

describe("the verdict over each family of SDKs", () => {
  it.each(MATRIX)("is, with %s, what its clients do", (_, parts, expected) => {
    const shell = shellWith(parts);
    expect(CLIENTS.map((client) => LETTERS[verdictOf(client, shell).outcome]).join("")).toBe(expected);
  });

  it("says whose key is taken by its last four characters, and where it stands", () => {
    const { source, at } = verdictOf("botocore", shellWith({ credentials: `[default]\n${keys("DEFA")}` }));
    expect([source?.keySuffix, at]).toEqual(["DEFA", CREDENTIALS]);
  });

  it("never holds a whole key", () => {
    const shell = shellWith({ credentials: `[default]\n${keys("DEFA")}`, env: ENV_KEYS });
    expect(JSON.stringify(FAMILIES.map((family) => family.judge(shell)))).not.toMatch(/AKIA|CaNaRy/);
  });

  it("has a reason in every family and situation", () => {
    for (const [, parts] of MATRIX) {
      for (const family of FAMILIES) expect(family.judge(shellWith(parts)).why).not.toBe("");
    }
  });
});

describe("a verdict over a process", () => {
  const config = "[default]\ncredential_process = /opt/creds --token abc\n";

  it.each([
    ["botocore", "error"],
    ["Go v2", "error"],
    ["JavaScript v3", "lease"],
    [".NET", "error"],
    ["Java v2", "lease"],
  ])("of %s says what happens where it gives nothing: %s", (family, unless) => {
    const verdict = verdictOf(family, shellWith({ config }));
    expect([verdict.source?.kind, verdict.source?.program, verdict.unless?.outcome]).toEqual([
      "process",
      "/opt/creds",
      unless,
    ]);
  });

  it("of the SDK v2 for JavaScript is the lease, which comes before it", () => {
    expect(verdictOf("JavaScript v2", shellWith({ config, env: { AWS_SDK_LOAD_CONFIG: "1" } })).outcome).toBe("lease");
  });

  it("does not tell the program's arguments", () => {
    expect(JSON.stringify(verdictOf("botocore", shellWith({ config })))).not.toContain("abc");
  });
});

describe("a verdict over a role", () => {
  const role = (more: string): string => `[default]\nrole_arn = arn:aws:iam::1:role/r\n${more}\n`;

  it("names the key that assumes it", () => {
    const config = `${role("source_profile = k")}[profile k]\n${keys("KKKK")}`;
    for (const family of ["botocore", "JavaScript v3", "Go v2"]) {
      expect(verdictOf(family, shellWith({ config })).source).toMatchObject({ kind: "role", keySuffix: "KKKK" });
    }
  });

  it("goes on where a process that should give its key fails, in JavaScript v3", () => {
    const config = `${role("source_profile = p")}[profile p]\ncredential_process = /opt/creds\n`;
    const outcomes = ["botocore", "JavaScript v3", "Go v2"].map(
      (family) => verdictOf(family, shellWith({ config })).unless?.outcome,
    );
    expect(outcomes).toEqual(["error", "lease", "error"]);
  });

  it("reads the key in the usual file for Serverless 3, also where a variable names another", () => {
    const elsewhere = `[r]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = k\n[k]\n${keys("ELSE")}`;
    const env = { AWS_SHARED_CREDENTIALS_FILE: "/elsewhere", AWS_PROFILE: "r" };
    const shell = shellWith({ env, files: { "/elsewhere": elsewhere } });
    expect(verdictOf("Serverless 3", shell).outcome).toBe("error");
    const both = shellWith({ env, credentials: `[k]\n${keys("USUA")}`, files: { "/elsewhere": elsewhere } });
    expect(verdictOf("Serverless 3", both).source?.keySuffix).toBe("USUA");
  });

  it("names the lease where that assumes it", () => {
    const shell = shellWith({ config: role("credential_source = EcsContainer") });
    for (const family of ["botocore", "JavaScript v3", "Go v2"]) {
      expect(verdictOf(family, shell).source).toMatchObject({ kind: "role", byLease: true });
    }
  });

  it("ends where source profiles lead in a circle", () => {
    const config = `${role("source_profile = b")}[profile b]\nrole_arn = arn:aws:iam::1:role/b\nsource_profile = default\n`;
    for (const family of FAMILIES) expect(family.judge(shellWith({ config })).why).not.toBe("");
    expect(verdictOf("botocore", shellWith({ config })).why).toContain("leads back");
  });
});

describe("a verdict over a login", () => {
  const config = `[default]\n${SSO}`;
  // As the AWS CLI names the file: by the start URL.
  const name = createHash("sha1").update("https://x.awsapps.com/start").digest("hex");
  const withToken = (held: object) =>
    shellWith({ config, files: { [`${HOME}/.aws/sso/cache/${name}.json`]: JSON.stringify(held) } });

  it.each([
    ["one that has ended", { accessToken: "x", expiresAt: "2020-01-01T00:00:00Z" }, "error"],
    ["one that may renew", { accessToken: "x", expiresAt: "2020-01-01T00:00:00Z", refreshToken: "x" }, "other"],
    ["one that lives", { accessToken: "x", expiresAt: "2026-01-01T01:00:00UTC" }, "other"],
  ])("goes by the token in the AWS CLI's cache: %s", (_, held, outcome) => {
    expect(verdictOf("botocore", withToken(held)).outcome).toBe(outcome);
    expect(verdictOf("JavaScript v3", withToken(held)).outcome).toBe(outcome);
  });

  it("is an error where there is none, but in families that pass over it", () => {
    expect(verdictOf("botocore", shellWith({ config })).why).toContain("there is none");
    expect(verdictOf("Java v2", shellWith({ config })).outcome).toBe("lease");
  });
});

describe("files that a family refuses", () => {
  it.each([
    ["a byte order mark", "\uFEFF[default]\nregion = x\n"],
    ["a setting before any section", "region = x\n[default]\n"],
    ["a section twice", "[default]\nregion = x\n[default]\noutput = json\n"],
    ["a setting twice", "[default]\nregion = x\nregion = y\n"],
    ["a line that is no setting", "[default]\nnonsense\n"],
  ])("stop botocore whatever else is there: %s", (_, config) => {
    const shell = shellWith({ config, env: ENV_KEYS });
    expect(verdictOf("botocore", shell)).toMatchObject({ outcome: "error", at: CONFIG });
    expect(verdictOf("JavaScript v3", shell).outcome).toBe("other");
  });

  it("with half a key stop the SDK for Go", () => {
    const credentials = "[default]\naws_access_key_id = AKIAXXXXXXXXXXXXHALF\n";
    expect(verdictOf("Go v2", shellWith({ credentials }))).toMatchObject({ outcome: "error", at: CREDENTIALS });
    expect(verdictOf("JavaScript v3", shellWith({ credentials })).outcome).toBe("lease");
  });
});

describe("what only some families look at", () => {
  it("is AWS_DEFAULT_PROFILE before AWS_PROFILE in botocore, after it in the AWS CLI v2 and Go, and not in JavaScript", () => {
    const credentials = `[a]\n${keys("AAAA")}[b]\n${keys("BBBB")}`;
    const shell = shellWith({ credentials, env: { AWS_PROFILE: "a", AWS_DEFAULT_PROFILE: "b" } });
    const suffixes = ["botocore", "AWS CLI v2", "Go v2", "JavaScript v3"].map(
      (family) => verdictOf(family, shell).source?.keySuffix,
    );
    expect(suffixes).toEqual(["BBBB", "AAAA", "AAAA", "AAAA"]);
  });

  it("is boto 2's file in botocore", () => {
    const shell = shellWith({ files: { [`${HOME}/.boto`]: `[Credentials]\n${keys("BOTO")}` } });
    const takers = FAMILIES.filter((family) => family.judge(shell).source?.keySuffix === "BOTO");
    expect(takers.map(({ name }) => name)).toEqual(["botocore", "AWS CLI v2"]);
  });

  it("is the config for the SDK v2 for JavaScript only with AWS_SDK_LOAD_CONFIG", () => {
    const config = `[default]\n${keys("CONF")}`;
    expect(verdictOf("JavaScript v2", shellWith({ config })).outcome).toBe("lease");
    const loading = shellWith({ config, env: { AWS_SDK_LOAD_CONFIG: "1" } });
    expect(verdictOf("JavaScript v2", loading).source?.keySuffix).toBe("CONF");
  });

  it("is ~/.aws/credentials for Polars, whatever the variables say", () => {
    const shell = shellWith({
      credentials: `[default]\n${keys("DEFA")}`,
      env: { AWS_SHARED_CREDENTIALS_FILE: "/empty", AWS_CONFIG_FILE: "/none" },
    });
    expect(verdictOf("Polars", shell).source?.keySuffix).toBe("DEFA");
    expect(verdictOf("botocore", shell).outcome).toBe("lease");
  });

  it("is the token in a file for object_store, and in the URL for async-aws", () => {
    const token = `brk_${"t".repeat(43)}`;
    const header = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://127.0.0.1:9171/creds",
      AWS_CONTAINER_AUTHORIZATION_TOKEN: token,
    };
    const file = { ...header, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/token" };
    const outcome = (family: string, env: Readonly<Record<string, string>>) =>
      verdictOf(family, shellWith({ env })).outcome;
    expect([outcome("object_store", header), outcome("object_store", file)]).toEqual(["error", "lease"]);
    expect([outcome("async-aws", header), outcome("async-aws", {})]).toEqual(["none", "lease"]);
  });

  it("is a [default] at all, which stops osls", () => {
    const shell = shellWith({ config: "[default]\nregion = x\n" });
    expect(verdictOf("osls", shell).outcome).toBe("error");
    expect(verdictOf("Serverless 3", shell).outcome).toBe("lease");
  });
});

describe("an endpoint that is not the broker's", () => {
  it.each([
    ["another broker on this machine", "http://127.0.0.1:1234/other", "other"],
    ["a host of the network, by http", "http://10.0.0.5/creds", "error"],
    ["no URL", "creds", "error"],
  ])("is told from the lease: %s", (_, uri, outcome) => {
    const shell = shellWith({ env: { AWS_CONTAINER_CREDENTIALS_FULL_URI: uri } });
    expect(verdictOf("botocore", shell).outcome).toBe(outcome);
  });

  it("is a relative URI, which wins", () => {
    const shell = shellWith({ env: { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/v2/x" } });
    for (const family of ["botocore", "JavaScript v3", "Go v2"]) expect(verdictOf(family, shell).outcome).toBe("other");
    expect(verdictOf("Go v1", shell).outcome).toBe("lease");
  });
});
