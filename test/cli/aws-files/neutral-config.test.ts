import { describe, expect, it } from "vitest";
import { defaultProfile } from "../../../src/cli/aws-files/aws-settings.js";
import { neutralConfig } from "../../../src/cli/aws-files/neutral-config.js";
import { readAwsIni } from "../../../src/core/aws-ini.js";
import { canarySecretKey } from "../../support/canaries.js";
import { seededRandom } from "../../support/random.js";
import { NASTY_LINES, randomHome } from "./nasty-homes.js";

const KEYS = `aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = ${canarySecretKey("file")}\n`;
const SEED = Number(process.env["CREDBROKER_TEST_SEED"] ?? Date.now() % 1_000_000);
const HOMES = 3000;

function copyOf(config: string, credentials = ""): string {
  return neutralConfig({ config, credentials }).text;
}

describe("the copy of a config in which the default profile gives credentials", () => {
  it.each([
    ["keys", KEYS],
    ["an SSO session", "sso_session = corp\nsso_account_id = 1\nsso_role_name = r\n"],
    ["SSO of the older form", "sso_start_url = u\nsso_region = a\nsso_account_id = 1\nsso_role_name = r\n"],
    ["half of an SSO profile", "sso_role_name = r\n"],
    ["`aws login`", "login_session = arn:aws:iam::1:user/u\n"],
    ["a process", "credential_process = /bin/x\n"],
    ["a role with a source", "role_arn = arn\nsource_profile = other\nmfa_serial = m\n"],
    ["a role of the machine", "role_arn = arn\ncredential_source = EcsContainer\n"],
    ["a web identity", "role_arn = arn\nweb_identity_token_file = /t\nrole_session_name = s\n"],
    ["what no SDK has thought of yet", "credential_oracle = x\n"],
  ])("has nothing of it: %s", (_, settings) => {
    const { text, variables } = neutralConfig({
      config: `[default]\nregion = eu-west-1\noutput = json\n${settings}`,
      credentials: "",
    });
    expect(text).toBe("");
    expect(variables).toEqual({ AWS_REGION: "eu-west-1", AWS_DEFAULT_REGION: "eu-west-1", AWS_DEFAULT_OUTPUT: "json" });
  });

  it("keeps a [default] where only a file can say what it says, and then all that is harmless", () => {
    const config = `[default]\nregion = eu-west-1 # here\ncli_pager =\ns3 =\n  max_concurrent_requests = 20\n${KEYS}`;
    expect(neutralConfig({ config, credentials: "" })).toEqual({
      text: "[default]\nregion = eu-west-1\ncli_pager =\ns3 =\n  max_concurrent_requests = 20\n",
      variables: {},
    });
  });

  it("keeps where a call goes: one for a local AWS would go to the real one", () => {
    const config =
      "[default]\nendpoint_url = http://localhost:4566\nservices = v\n[services v]\ns3 =\n  endpoint_url = u\n";
    expect(copyOf(config)).toBe(config);
  });

  it("says an empty pager, which is none, by its variable", () => {
    expect(neutralConfig({ config: "[default]\ncli_pager =\nregion =\n", credentials: "" }).variables).toEqual({
      AWS_PAGER: "",
    });
  });

  it("joins the default profiles of one file", () => {
    const config = '[default]\nregion = a\n[profile "default"]\nregion = b\nsso_session = x\n';
    expect(neutralConfig({ config, credentials: "" }).variables).toMatchObject({ AWS_REGION: "b" });
  });
});

describe("other profiles in the copy", () => {
  it("are whole, with their sessions: a user who names one means it", () => {
    const config = `[profile a]
region = x
sso_session = corp
sso_account_id = 1
sso_role_name = r
[sso-session corp]
sso_region = x
sso_start_url = https://h/start
[profile "b c"]
credential_process = /bin/x --y "z"
[profile d]
role_arn = arn:aws:iam::1:role/x
source_profile = a
`;
    expect(copyOf(config)).toBe(config);
  });

  it("are not there where a key was in them: what is left would speak for the broker's role", () => {
    const config = `[profile a]\nregion = x\n${KEYS}[profile b]\nregion = y\n[profile c]\nregion = z\n`;
    expect(copyOf(config, `[b]\n${KEYS}`)).toBe("[profile c]\nregion = z\n");
  });

  it("are not there where programs would read them differently", () => {
    const config = "[profile a]\ncredential_process = x ; y\n[profile b]\nrole_arn = a\n  b\n[c]\nregion = x\n";
    expect(copyOf(config)).toBe("");
  });
});

describe("no long-term key is ever copied", () => {
  it.each(NASTY_LINES)("not one that stands %s", (_, render) => {
    const [id, secret] = ["AKIAIOSFODNN7EXAMPLE", canarySecretKey("nasty")];
    const text = render(id, secret);
    for (const [config, credentials] of [
      [text, ""],
      [text.replaceAll("\n", "\r\n"), text],
      [`\uFEFF${text}`, text],
      [text + text, ""],
    ] as const) {
      const { text: copy, variables } = neutralConfig({ config, credentials });
      for (const key of [id, secret]) expect(copy + JSON.stringify(variables)).not.toContain(key);
    }
  });

  it(`of ${HOMES} random homes (CREDBROKER_TEST_SEED=${SEED}), nor does a copy compete or mean two things`, () => {
    const random = seededRandom(SEED);
    for (let home = 0; home < HOMES; home++) {
      const { config, credentials, planted } = randomHome(random);
      const { text, variables } = neutralConfig({ config, credentials });
      const written = text + JSON.stringify(variables);
      const shown = `home ${home} of seed ${SEED}`;
      expect([shown, planted.filter((key) => written.includes(key))]).toEqual([shown, []]);
      expect([shown, defaultProfile(text)?.competing]).toEqual([shown, undefined]);
      expect([shown, readAwsIni(text).strangeLines]).toEqual([shown, []]);
    }
  });

  it("takes its time by the length of the text, however odd", () => {
    const odd = ["[", "a=", "secret=x", " ", "AKIA", "aA1/", "\n[default]\n", "[profile a]\ns3=\n b=c\n"];
    for (const each of odd) neutralConfig({ config: each.repeat(20_000), credentials: each.repeat(20_000) });
  });
});
