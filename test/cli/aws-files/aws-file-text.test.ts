import { describe, expect, it } from "vitest";
import { competingSetting, withoutCompetingSettings } from "../../../src/cli/aws-files/aws-file-text.js";
import { canarySecretKey } from "../../support/canaries.js";

describe("what in ~/.aws wins over the endpoint (sdk-contract §2.1)", () => {
  it.each([
    ["keys", "[default]\naws_access_key_id = AKIA\naws_secret_access_key = x\n", "aws_access_key_id"],
    ["a credential_process", "[default]\ncredential_process=/bin/x\n", "credential_process"],
    ["an SSO session", "[default]\nregion=a\nsso_session = corp\n", "sso_session"],
    ["a role to assume", "[profile default]\nrole_arn = arn\nsource_profile = x\n", "role_arn"],
    ["`aws login`", "[default]\nlogin_session = x\n", "login_session"],
    ["a section in other spelling", '\uFEFF[ "default" ]\r\nAWS_ACCESS_KEY_ID : AKIA\r\n', "aws_access_key_id"],
  ])("%s of the default profile", (_, text, setting) => {
    expect(competingSetting(text)).toBe(setting);
  });

  it.each([
    ["nothing at all", ""],
    ["a region", "[default]\nregion = eu-west-1\noutput = json\n"],
    ["keys of another profile", "[default]\nregion = x\n[profile other]\naws_access_key_id = AKIA\n"],
    ["a comment", "[default]\n# aws_access_key_id = AKIA\n"],
    ["a nested setting", "[default]\ns3 =\n  role_arn = no\n"],
    ["settings before any section", "aws_access_key_id = AKIA\n"],
    ["an sso-session of that name", "[sso-session default]\nsso_start_url = https://x\n"],
  ])("but not %s", (_, text) => {
    expect(competingSetting(text)).toBeUndefined();
  });
});

describe("the copy without it", () => {
  const text = `# mine
[default]
region = eu-west-1
aws_access_key_id = AKIA
aws_secret_access_key = ${canarySecretKey("file")}
sso_session = corp
s3 =
  max_concurrent_requests = 20
[profile other]
role_arn = arn:aws:iam::1:role/x
aws_session_token = ${canarySecretKey("session")}
credential_process = /bin/x
[sso-session corp]
sso_region = eu-west-1
`;

  it("keeps regions, nested settings, other profiles and comments", () => {
    expect(withoutCompetingSettings(text)).toBe(`# mine
[default]
region = eu-west-1
s3 =
  max_concurrent_requests = 20
[profile other]
role_arn = arn:aws:iam::1:role/x
credential_process = /bin/x
[sso-session corp]
sso_region = eu-west-1
`);
  });

  it("holds nothing that competes", () => {
    expect(competingSetting(withoutCompetingSettings(text))).toBeUndefined();
  });

  it("takes nested lines away with their setting", () => {
    expect(withoutCompetingSettings("[default]\nrole_arn = a\n  nested = b\nregion = c\n")).toBe(
      "[default]\nregion = c\n",
    );
  });
});
