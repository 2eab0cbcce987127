import { describe, expect, it } from "vitest";
import { defaultProfile, whyAwsCliStops } from "../../../src/cli/aws-files/aws-settings.js";

describe("what in ~/.aws wins over the endpoint", () => {
  it.each([
    ["keys", "[default]\naws_access_key_id = AKIA\naws_secret_access_key = x\n", "aws_access_key_id"],
    ["a credential_process", "[default]\ncredential_process=/bin/x\n", "credential_process"],
    ["an SSO session", "[default]\nregion=a\nsso_session = corp\n", "sso_session"],
    ["half of an SSO profile", "[default]\nsso_role_name = x\n", "sso_role_name"],
    ["a role to assume", "[profile default]\nrole_arn = arn\nsource_profile = x\n", "role_arn"],
    ["`aws login`", "[default]\nlogin_session = x\n", "login_session"],
    ["a section in other spelling", '\uFEFF[ "default" ]\r\nAWS_ACCESS_KEY_ID : AKIA\r\n', "aws_access_key_id"],
    ["indented settings", "[default]\n  aws_access_key_id = AKIA\n", "aws_access_key_id"],
    ["what goes on from a setting, to the AWS CLI", "[default]\nregion = x\n  role_arn = no\n", "role_arn"],
    ["a nested setting, which older SDKs take for one", "[default]\ns3 =\n  role_arn = no\n", "role_arn"],
    ["an indented section", "[a]\nx = 1\n  [default]\n  sso_session = x\n", "sso_session"],
    ["the second of two", "[default]\nregion = x\n[a]\n[default]\nsso_session = x\n", "sso_session"],
    ["what the AWS CLI lends to all profiles", "[DEFAULT]\nrole_arn = x\n", "role_arn"],
  ])("%s of the default profile", (_, text, setting) => {
    expect(defaultProfile(text)).toEqual({ competing: setting });
  });

  it.each([
    ["a region", "[default]\nregion = eu-west-1\noutput = json\n"],
    ["keys of another profile", "[default]\nregion = x\n[profile other]\naws_access_key_id = AKIA\n"],
    ["a comment", "[default]\n# aws_access_key_id = AKIA\n"],
    ["nothing at all", "[default]"],
  ])("but not %s in a default profile, which stops only osls", (_, text) => {
    expect(defaultProfile(text)).toEqual({ competing: undefined });
  });

  it.each([
    ["nothing at all", ""],
    ["settings before any section", "aws_access_key_id = AKIA\n"],
    ["an sso-session of that name", "[sso-session default]\nsso_start_url = https://x\n"],
    ["a profile that is called nearly so", "[profile defaults]\naws_access_key_id = AKIA\n"],
    ["a remark", "# [default]\naws_access_key_id = AKIA\n"],
  ])("is no default profile: %s", (_, text) => {
    expect(defaultProfile(text)).toBeUndefined();
  });
});

describe("a file that Python's configparser reads", () => {
  it.each([
    ["", undefined],
    ["\n; a remark\n  # another\n [default]\nregion = é\n", undefined],
    ["[default]\naws_access_key_id = AKIA\n", undefined],
    ["\n  region = x\n[a]\n", "has a setting before any [section], in line 2"],
    ["nonsense\r[a]\r", "has a setting before any [section], in line 1"],
    ["\uFEFF# a remark\n[a]\n", "begins with a byte order mark"],
    ["[a]\nregion = \uFFFD\n", "is not UTF-8 text"],
  ])("of %j: %s", (text, why) => {
    expect(whyAwsCliStops(text)).toBe(why);
  });
});
