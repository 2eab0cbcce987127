import { describe, expect, it } from "vitest";
import { CONFIG, keys, type ShellParts, shellWith, verdictOf } from "../shell.js";

/** C: the lease, X: another source, E: an error. */
const LETTERS = { lease: "C", other: "X", error: "E", none: "N" } as const;
const FAMILIES = ["Go v1", "rclone", "Rust", "Java v2", "Kotlin", "CRT", "C++"];
const ROLE = "role_arn = arn:aws:iam::1:role/r\n";
const TEAM = { AWS_PROFILE: "team" };
const LOADING = { AWS_SDK_LOAD_CONFIG: "1" };

/** What the real clients did (`npm run test:matrix`), in the order of FAMILIES. */
const SEEN: readonly (readonly [situation: string, parts: ShellParts, expected: string])[] = [
  ["keys of [default] in the credentials", { credentials: `[default]\n${keys("DEFA")}` }, "XXXXXXX"],
  ["keys of [default] in the config", { config: `[default]\n${keys("DEFA")}` }, "CXXXXXX"],
  ["the same, and AWS_SDK_LOAD_CONFIG", { config: `[default]\n${keys("DEFA")}`, env: LOADING }, "XXXXXXX"],
  [
    "keys that are indented below a region",
    { credentials: `[default]\nregion = x\n  ${keys("DEFA").replace("\n", "\n  ")}` },
    "XXCCCCC",
  ],
  ["keys that are indented below the heading", { credentials: `[default]\n  ${keys("DEFA")}` }, "XXEEECC"],
  ["a setting with a colon", { credentials: `[default]\nregion : x\n${keys("DEFA")}` }, "XXEEEXX"],
  ["a setting before the first section", { config: "region = x\n" }, "CCEEECC"],
  ["a byte order mark", { config: "\uFEFF[default]\nregion = x\n" }, "CEEEECC"],
  ["a profile of the config without its kind", { config: `[team]\nregion : x\n`, env: TEAM }, "CCECECC"],
  ["AWS_PROFILE of a profile that is not there", { config: "[default]\nregion = x\n", env: TEAM }, "CCCCCCC"],
  ["half a key", { credentials: "[default]\naws_access_key_id = AKIAXXXXXXXXXXXXHALF\n" }, "CCECCCC"],
  ["a role whose source is not there", { config: `[default]\n${ROLE}source_profile = k\n` }, "CECCCCC"],
  ["a role of the credentials without a source", { credentials: `[default]\n${ROLE}` }, "CXECCCC"],
  ["a process in the credentials", { credentials: "[default]\ncredential_process = /opt/p\n" }, "XXXXXXX"],
  ["a session of SSO without account and role", { config: "[default]\nsso_session = s\n[sso-session s]\n" }, "CCCCCCC"],
  ["a role and a key in one profile", { config: `[default]\n${ROLE}source_profile = k\n${keys("DEFA")}` }, "CECCXCC"],
  [
    "a profile of the config by its name alone",
    { config: `[team]\n${keys("TEAM")}`, env: { ...TEAM, ...LOADING } },
    "XXCCCCC",
  ],
  ["a role by EcsContainer", { credentials: `[default]\n${ROLE}credential_source = EcsContainer\n` }, "CEXXXXC"],
  [
    "a role by variables that are not set",
    { credentials: `[default]\n${ROLE}credential_source = Environment\n` },
    "CEECCCC",
  ],
  ["`aws login` without a login", { config: "[default]\nlogin_session = arn:aws:iam::1:user/u\n" }, "CCECCCC"],
];

describe("the verdict over each compiled family of SDKs", () => {
  it.each(SEEN)("is, with %s, what its clients do", (_, parts, expected) => {
    const shell = shellWith(parts);
    expect(FAMILIES.map((family) => LETTERS[verdictOf(family, shell).outcome]).join("")).toBe(expected);
  });

  it("names the line of a file that the SDK for Kotlin refuses", () => {
    const verdict = verdictOf("Kotlin", shellWith({ config: "[default]\nregion = x\nnonsense\n" }));
    expect([verdict.at, verdict.why]).toEqual([CONFIG, `${CONFIG} has no setting with a = in line 3`]);
  });

  it("takes [profile default] in place of [default] in Rust", () => {
    const config = `[default]\n${keys("DEFA")}[profile default]\nregion = x\n`;
    expect(verdictOf("Rust", shellWith({ config })).outcome).toBe("lease");
  });

  it("ends in Rust where source profiles lead in a circle, and not where one names itself", () => {
    const circle = `[profile team]\n${ROLE}source_profile = b\n[profile b]\n${ROLE}source_profile = team\n`;
    expect(verdictOf("Rust", shellWith({ config: circle, env: TEAM })).outcome).toBe("error");
    const itself = `[profile team]\n${ROLE}source_profile = team\n${keys("SELF")}`;
    expect(verdictOf("Rust", shellWith({ config: itself, env: TEAM })).source?.keySuffix).toBe("SELF");
  });
});
