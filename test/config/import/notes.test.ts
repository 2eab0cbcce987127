import { describe, expect, it } from "vitest";
import { canarySecretKey } from "../../support/canaries.js";
import { HEAD, parse } from "../config-text.js";
import { itemOf, plan } from "./planned-import.js";

const ARN = "arn:aws:iam::222222222222:role/a";
const MFA = "arn:aws:iam::111111111111:mfa";
const KEY = `aws_access_key_id = AKIA0000000000000001\naws_secret_access_key = ${canarySecretKey("notes")}\n`;
const SESSION_TOKEN_NOTE = "served from GetSessionToken, with which AWS refuses IAM and most of STS";

/** A role on the machine's own credentials, with these lines. */
const onMachine = (lines: string): string =>
  `[profile r]\nrole_arn = ${ARN}\ncredential_source = Ec2InstanceMetadata\n${lines}\n`;
const roleOf = (config: string) => parse(plan({ config }).text ?? "").roles.get("r")?.assume;

describe("a duration", () => {
  it.each([
    ["900", 900],
    ["3600", 3600],
    ["0003600", 3600],
  ])("of %s is taken without a note", (text, seconds) => {
    const config = onMachine(`duration_seconds = ${text}`);
    expect(roleOf(config)?.durationSeconds).toBe(seconds);
    expect(itemOf(plan({ config }), "r").notes).toBe("");
  });

  it.each(["abc", "-900", "1e3", "3600.5", "3600s", "1234567890"])(
    "of %s is left out: it is no number of ours",
    (text) => {
      const config = onMachine(`duration_seconds = ${text}`);
      expect(itemOf(plan({ config }), "r")).toEqual({
        outcome: "add",
        notes: "duration_seconds is left out: not a number",
      });
      expect(plan({ config }).text).not.toContain("duration_seconds");
    },
  );

  it.each(["899", "3601", "123456789"])("of %s is left out, with the limit that it breaks", (text) => {
    const config = onMachine(`duration_seconds = ${text}`);
    expect(itemOf(plan({ config }), "r").notes).toMatch(/^duration_seconds is left out: must be .*(900|3600)/);
    expect(plan({ config }).text).not.toContain("duration_seconds");
  });

  it("of nothing is none", () => {
    expect(itemOf(plan({ config: onMachine("duration_seconds =") }), "r").notes).toBe("");
  });
});

describe("MFA", () => {
  const role = (name: string, lines: string): string =>
    `[profile ${name}]\nrole_arn = ${ARN}\nsource_profile = k\n${lines}\n`;
  const credentials = `[k]\n${KEY}`;
  const sourceOf = (config: string, more = "") =>
    parse(plan({ config, credentials: credentials + more }).text ?? "").sources.get("k");

  it("of a role goes to its key, and roles that agree need no note", () => {
    const lines = `mfa_serial = ${MFA}/me\nmfa_process = /opt/code`;
    const config = role("a", lines) + role("b", lines);
    expect(sourceOf(config)).toMatchObject({ mfaSerial: `${MFA}/me`, mfaProcess: "/opt/code" });
    const planned = plan({ config, credentials });
    expect([itemOf(planned, "a").notes, itemOf(planned, "b").notes]).toEqual(["", ""]);
    expect(itemOf(planned, "k").notes).toBe(`asks for MFA too: it belongs to the key, source k; ${SESSION_TOKEN_NOTE}`);
  });

  it("of a second role that differs is said with what the key asks for", () => {
    const config =
      role("a", `mfa_serial = ${MFA}/me\nmfa_process = /opt/code`) +
      role("b", `mfa_serial = ${MFA}/other\nmfa_process = /opt/other`);
    expect(itemOf(plan({ config, credentials }), "b").notes).toBe(
      `its mfa_serial is another one: source k asks "${MFA}/me"; its mfa_process is not that of source k`,
    );
  });

  it("of the key's own profile is asked for by itself", () => {
    const planned = plan({ credentials: `${credentials}mfa_serial = ${MFA}/me\n` });
    expect(itemOf(planned, "k").notes).toBe(SESSION_TOKEN_NOTE);
    expect(sourceOf("", `mfa_serial = ${MFA}/me\n`)).toMatchObject({ mfaSerial: `${MFA}/me` });
  });

  it("without a device has no process either", () => {
    const config = role("a", "mfa_process = /opt/code");
    expect(itemOf(plan({ config, credentials }), "a").notes).toBe("mfa_process is left out: there is no mfa_serial");
    expect(sourceOf(config)).not.toHaveProperty("mfaProcess");
  });

  it("is not given to a source that is in the config already", () => {
    const text = `${HEAD}sources:\n  k: { type: keys }\nroles:\n  k: { source: k }\n`;
    const config = `${role("a", `mfa_serial = ${MFA}/me`)}[profile k]\nregion = eu-west-1\n`;
    const planned = plan({ config, text });
    expect(itemOf(planned, "a").notes).toContain("its mfa_serial is not in source k, which is in the config already");
    expect(parse(planned.text ?? text).sources.get("k")).not.toHaveProperty("mfaSerial");
  });
});

describe("tags", () => {
  it("are read with blanks around them, and empty ones are none", () => {
    const lines = "session_tags = team = core , ,env=a=b\ntransitive_session_tags = team, ,env";
    expect(roleOf(onMachine(lines))).toMatchObject({
      tags: { team: "core", env: "a=b" },
      transitiveTagKeys: ["team", "env"],
    });
    const none = roleOf(onMachine("session_tags = ,\ntransitive_session_tags = ,"));
    expect(none).not.toHaveProperty("tags");
    expect(none).not.toHaveProperty("transitiveTagKeys");
  });

  it("that are no pairs are left out, all of them, with a note", () => {
    const config = onMachine("session_tags = team=core,env\ntransitive_session_tags = team");
    expect(itemOf(plan({ config }), "r").notes).toBe(
      "session_tags and transitive_session_tags are left out: not KEY=VALUE,KEY=VALUE",
    );
    expect(roleOf(config)).not.toHaveProperty("tags");
    expect(roleOf(config)).not.toHaveProperty("transitiveTagKeys");
  });
});

describe("a note on what stays behind", () => {
  it("names together what has one reason", () => {
    const one = onMachine("endpoint_url = https://x.example");
    const two = onMachine("endpoint_url = https://x.example\nca_bundle = /x.pem\nimds_use_ipv6 = true");
    expect(itemOf(plan({ config: one }), "r").notes).toBe("endpoint_url stays behind: it is no matter of credentials");
    expect(itemOf(plan({ config: two }), "r").notes).toBe(
      "endpoint_url, ca_bundle stay behind: it is no matter of credentials; " +
        "imds_use_ipv6 stays behind: brokerd asks the metadata service as its own environment says",
    );
  });

  it("counts strange lines, of which it names five", () => {
    const lines = (count: number): string => `[profile r]\n${"nonsense\n".repeat(count)}`;
    const strange = (count: number): readonly string[] =>
      plan({ config: lines(count) })
        .items.map(({ what }) => what)
        .filter((what) => what.startsWith("line"));
    expect(strange(1)).toEqual(["line 2"]);
    expect(strange(5)).toEqual(["lines 2, 3, 4, 5, 6"]);
    expect(strange(6)).toEqual(["lines 2, 3, 4, 5, 6, …"]);
  });
});

describe("a profile without credentials", () => {
  it.each([
    ["region = eu-west-1", "holds no credentials"],
    [
      `mfa_serial = ${MFA}/me`,
      "holds no credentials; a key that aws-vault keeps is added with brokerctl source add NAME --type keys",
    ],
    [
      "mfa_process = /opt/code",
      "holds no credentials; a key that aws-vault keeps is added with brokerctl source add NAME --type keys",
    ],
    ["sso_session = corp", "names no account and permission set: brokerctl sso roles shows those of corp"],
    [`role_arn = ${ARN}`, "has a role_arn, but neither source_profile nor credential_source signs for it"],
    ["web_identity_token_file = /run/token", "has a web_identity_token_file, but no role_arn"],
    ["sso_role_name = Dev", "has no sso_account_id"],
    ["sso_account_id = 111111111111", "has no sso_role_name"],
    [`role_arn = ${ARN}\ncredential_source = Elsewhere`, "unknown credential_source Elsewhere"],
  ])("is not taken, with the reason: %j", (lines, why) => {
    expect(itemOf(plan({ config: `[profile p]\n${lines}\n` }), "p")).toEqual({ outcome: "refused", notes: why });
  });
});
