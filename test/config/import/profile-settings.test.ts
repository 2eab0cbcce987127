import { describe, expect, it } from "vitest";
import { CANARY, canarySecretKey } from "../../support/canaries.js";
import { parse } from "../config-text.js";
import { type ImportedFiles, itemOf, plan } from "./planned-import.js";

const ARN = "arn:aws:iam::222222222222:role/a";
const ID = "AKIA0000000000000001";
const id = (value = ID): string => `aws_access_key_id = ${value}\n`;
const secret = (tag: string): string => `aws_secret_access_key = ${canarySecretKey(tag)}\n`;
const ROLE = `[profile r]\nrole_arn = ${ARN}\ncredential_source = Ec2InstanceMetadata\n`;

/** botocore 1.44 `configprovider`, those with a name in the file; `s3` and the like are nested and hold none of these. */
const BOTOCORE_VARIABLES =
  "region data_path ca_bundle api_versions metadata_service_timeout metadata_service_num_attempts ec2_metadata_service_endpoint ec2_metadata_service_endpoint_mode ec2_metadata_v1_disabled imds_use_ipv6 use_dualstack_endpoint use_fips_endpoint ignore_configured_endpoint_urls parameter_validation csm_enabled csm_host csm_port csm_client_id endpoint_discovery_enabled sts_regional_endpoints retry_mode defaults_mode max_attempts sdk_ua_app_id request_min_compression_size_bytes disable_request_compression sigv4a_signing_region_set request_checksum_calculation response_checksum_validation account_id_endpoint_mode disable_host_prefix_injection auth_scheme_preference tcp_keepalive s3_disable_express_session_auth s3_use_arn_region s3_us_east_1_regional_endpoint proxy_ca_bundle proxy_client_cert proxy_use_forwarding_for_https output endpoint_url services cli_pager cli_history".split(
    " ",
  );
/** botocore 1.44 `credentials` and `tokens`, aws-vault 7 `ProfileSection`, granted `credentialProcessProfile`. */
const CREDENTIAL_SETTINGS =
  "role_arn source_profile credential_source external_id duration_seconds role_session_name mfa_serial mfa_process web_identity_token_file web_identity_token_process credential_process aws_access_key_id aws_secret_access_key aws_session_token aws_security_token aws_account_id sso_session sso_start_url sso_region sso_account_id sso_role_name sso_registration_scopes login_session source_identity session_tags transitive_session_tags include_profile parent_profile granted_sso_start_url granted_sso_region granted_sso_account_id granted_sso_role_name granted_sso_registration_scopes common_fate_generated_from".split(
    " ",
  );

describe("a setting of a profile", () => {
  it.each([...BOTOCORE_VARIABLES, ...CREDENTIAL_SETTINGS])(
    "that the AWS CLI, aws-vault or granted reads is known by name: %s",
    (name) => {
      const value = name === "region" ? "eu-west-1" : "x";
      const { notes } = itemOf(plan({ config: `[profile p]\ncredential_process = /opt/p\n${name} = ${value}\n` }), "p");

      expect(notes).not.toContain("unknown to the AWS CLI");
    },
  );

  it("that no program reads is named, and its value is not", () => {
    const config = `${ROLE}favourite = ${CANARY}\nsaml_url = https://idp.example\n`;
    const planned = plan({ config });

    expect(itemOf(planned, "r")).toEqual({
      outcome: "add",
      notes: "favourite, saml_url left out: unknown to the AWS CLI, aws-vault and granted",
    });
    expect(JSON.stringify(planned.items)).not.toContain(CANARY);
  });

  it.each<[string, string, RegExp]>([
    ["use_fips_endpoint = true", "use_fips_endpoint", /stays behind: brokerd takes it from AWS_USE_FIPS_ENDPOINT/],
    ["sts_regional_endpoints = legacy", "sts_regional_endpoints", /in the role's region/],
    ["include_profile = common", "include_profile", /only aws-vault reads it/],
    ["ec2_metadata_v1_disabled = true", "ec2_metadata_v1_disabled", /metadata service/],
    ["credential_process = /opt/other", "credential_process", /left out: role_arn decides/],
    ["sso_role_name =\nsso_account_id = 1", "sso_account_id", /left out: role_arn decides/],
  ])("that is not taken is named with the reason: %s", (lines, name, why) => {
    const { outcome, notes } = itemOf(plan({ config: `${ROLE}${lines}\n` }), "r");

    expect(outcome).toBe("add");
    expect(notes).toContain(name);
    expect(notes).toMatch(why);
  });

  it("that only clients need is left out without a word", () => {
    const config = `${ROLE}output = json\ncli_pager =\ncli_history = enabled\nretry_mode = standard\ns3 =\n  addressing_style = path\n`;

    expect(itemOf(plan({ config }), "r")).toEqual({ outcome: "add", notes: "" });
  });

  it("of an [sso-session] that no program reads is named", () => {
    const config =
      "[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\nsso_foo = 1\n";

    expect(itemOf(plan({ config }), "[sso-session corp]").notes).toContain("sso_foo left out");
  });

  it("that aws-vault adds to a role is taken as aws-vault takes it", () => {
    const config = `${ROLE}source_identity = me\nsession_tags = team=core, env = dev\ntransitive_session_tags = team\n`;
    const planned = plan({ config });

    expect(parse(planned.text ?? "").roles.get("r")?.assume).toMatchObject({
      sourceIdentity: "me",
      tags: { team: "core", env: "dev" },
      transitiveTagKeys: ["team"],
    });
    expect(itemOf(planned, "r").notes).toBe("");
  });

  it("of AssumeRole does not keep a profile with a token file from being taken", () => {
    const config = `[profile w]\nrole_arn = ${ARN}\nweb_identity_token_file = /run/token\nexternal_id = abc\nmfa_serial = arn:aws:iam::111111111111:mfa/me\n`;
    const planned = plan({ config });

    expect(itemOf(planned, "w").outcome).toBe("add");
    expect(itemOf(planned, "w").notes).toMatch(/external_id, mfa_serial left out: web_identity_token_file decides/);
  });

  it("mfa_process without a device is named", () => {
    const planned = plan({ credentials: `[k]\n${id()}${secret("mp")}mfa_process = /opt/code\n` });

    expect(itemOf(planned, "k").notes).toContain("mfa_process is left out: there is no mfa_serial");
  });
});

describe("a profile that granted made", () => {
  const config = `[profile g]
granted_sso_start_url = https://corp.awsapps.com/start/
granted_sso_region = eu-west-1
granted_sso_account_id = 111111111111
granted_sso_role_name = Dev
common_fate_generated_from = aws-sso
credential_process = granted credential-process --profile g
`;

  it("becomes a permission set of its portal, without a note", () => {
    const planned = plan({ config });

    expect(parse(planned.text ?? "").roles.get("g")).toMatchObject({
      origin: { source: { type: "sso", name: "corp", startUrl: "https://corp.awsapps.com/start" } },
      sso: { accountId: "111111111111", roleName: "Dev" },
    });
    expect(itemOf(planned, "g").notes).toBe("");
  });

  it("stays a program where the program is another one", () => {
    const other = config.replace("granted credential-process --profile g", "/opt/vendor");
    const planned = plan({ config: other });

    expect(parse(planned.text ?? "").roles.get("g")).toMatchObject({ origin: { source: { type: "process" } } });
    expect(itemOf(planned, "g").notes).toMatch(/granted_sso_start_url, .* left out: credential_process decides/);
  });
});

describe("a profile of an [sso-session]", () => {
  it.each([
    ["sso_start_url = https://other.awsapps.com/start", "sso_start_url"],
    ["sso_region = us-east-1", "sso_region"],
  ])("that says something else than the session is refused, as the AWS CLI refuses it: %s", (line, name) => {
    const config = `[sso-session corp]\nsso_start_url = https://corp.awsapps.com/start\nsso_region = eu-west-1\n[profile p]\nsso_session = corp\nsso_account_id = 111111111111\nsso_role_name = Dev\n${line}\n`;

    expect(itemOf(plan({ config }), "p")).toMatchObject({ outcome: "refused" });
    expect(itemOf(plan({ config }), "p").notes).toContain(`its ${name} is another one`);
  });
});

describe("what stands twice in an AWS file", () => {
  it("is told with its lines: a profile, a setting, an [sso-session], another section", () => {
    const config = `[profile a]
credential_process = /opt/a
region = eu-west-1
region = eu-west-2
[sso-session s]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
[services x]
[services x]
[sso-session s]
[profile a]
`;
    const planned = plan({ config, credentials: "[c]\ncredential_process = /opt/c\n[c]\n" });

    expect(itemOf(planned, "a").notes).toContain(
      "[profile a] stands in ~/.aws/config more than once (lines 1, 11): the AWS CLI refuses the whole file",
    );
    expect(itemOf(planned, "a").notes).toContain("region stands in ~/.aws/config more than once (lines 3, 4)");
    expect(itemOf(planned, "[sso-session s]").notes).toContain("(lines 5, 10)");
    expect(itemOf(planned, "[services x]").notes).toContain("(lines 8, 9)");
    expect(itemOf(planned, "c").notes).toContain("[c] stands in ~/.aws/credentials more than once (lines 1, 3)");
  });

  it("is no matter where it stands once in each of the two files", () => {
    const planned = plan({ config: "[profile a]\nregion = eu-west-1\n", credentials: `[a]\n${id()}${secret("x")}` });

    expect(itemOf(planned, "a").notes).not.toContain("more than once");
  });
});

describe("an access key", () => {
  it.each<[string, ImportedFiles]>([
    ["two sections of one file", { credentials: `[k]\n${id()}[k]\n${secret("p1")}` }],
    ["the two files, the id in the config", { config: `[profile k]\n${id()}`, credentials: `[k]\n${secret("p2")}` }],
    [
      "the two files, the id in the credentials",
      { config: `[profile k]\n${secret("p3")}`, credentials: `[k]\n${id()}` },
    ],
    [
      "a whole key and a new id alone",
      { credentials: `[k]\n${id()}${secret("p4")}[k]\n${id("AKIA0000000000000002")}` },
    ],
  ])("is not made of halves of %s", (_, files) => {
    const planned = plan(files);

    expect(itemOf(planned, "k")).toMatchObject({ outcome: "refused" });
    expect(itemOf(planned, "k").notes).toContain("a key pairs only within one");
    expect(planned.keys).toEqual([]);
  });

  it("is the last of two whole ones", () => {
    const other = "AKIA0000000000000002";
    const planned = plan({ credentials: `[k]\n${id()}${secret("w1")}[k]\n${id(other)}${secret("w2")}` });

    expect(planned.keys.map(({ accessKeyId, secretAccessKey }) => [accessKeyId, secretAccessKey.reveal()])).toEqual([
      [other, canarySecretKey("w2")],
    ]);
  });

  it("is the config's where the credentials file has a stray secret only", () => {
    const planned = plan({
      config: `[profile k]\n${id()}${secret("c")}`,
      credentials: `[k]\n${secret("stray")}`,
    });

    expect(planned.keys.map(({ secretAccessKey }) => secretAccessKey.reveal())).toEqual([canarySecretKey("c")]);
  });

  it.each(["aws_session_token", "aws_security_token"])("with %s is temporary", (name) => {
    const planned = plan({ credentials: `[k]\n${id()}${secret("t")}${name} = ${CANARY}\n` });

    expect(planned.keys).toEqual([]);
    expect(itemOf(planned, "k").notes).toContain("temporary keys");
  });

  it("beside a role_arn that another key signs is named, and not its value", () => {
    const config = `[profile r]\nrole_arn = ${ARN}\nsource_profile = k\n${id("AKIA0000000000000002")}${secret("n")}`;
    const planned = plan({ config, credentials: `[k]\n${id()}${secret("s")}` });

    expect(itemOf(planned, "r").notes).toContain("aws_access_key_id, aws_secret_access_key left out: role_arn decides");
    expect(planned.keys.map(({ accessKeyId }) => accessKeyId)).toEqual([ID]);
  });
});

describe("a profile that asks this broker", () => {
  const ours = "[profile ops]\ncredential_process = brokerctl credential-process ops\n";
  const role = `[profile r]\nrole_arn = ${ARN}\nsource_profile = ops\n`;

  it("is the key that was imported from it before, for itself and for those it signs for", () => {
    const before = plan({ config: role, credentials: `[ops]\n${id()}${secret("o")}` });
    const again = plan({ config: ours + role, text: before.text ?? "" });

    expect(again.text).toBeNull();
    expect(again.items.map(({ what, outcome }) => [what, outcome])).toEqual([
      ["ops", "same"],
      ["r", "same"],
    ]);
  });

  it("is refused where no key of it was imported", () => {
    expect(itemOf(plan({ config: ours }), "ops")).toMatchObject({ outcome: "refused" });
  });
});

describe("a key that is cut out of the AWS files", () => {
  const role = (name: string, signer: string): string =>
    `[profile ${name}]\nrole_arn = ${ARN}\nsource_profile = ${signer}\n`;

  it("breaks its profile and all that it signs for, and a line keeps them", () => {
    const config = role("prod", "ops") + role("deep", "prod") + role("self", "self");
    const credentials = `[ops]\n${id()}${secret("q")}[other]\n${id()}${secret("q")}[self]\n${id("AKIA0000000000000002")}${secret("z")}`;
    const [key, self] = plan({ config, credentials }).keys;

    expect(key?.breaks).toEqual(["ops", "other", "prod", "deep"]);
    expect(key?.lines).toEqual(["ops", "other"].map((profile) => ({ profile, file: "credentials", role: profile })));
    expect(key?.places.map(({ role }) => role)).toEqual(["ops", undefined, "other", undefined]);
    expect(key?.isReplaceable).toBe(true);
    // A profile that assumes its role with its own key can have no process beside it.
    expect(self).toMatchObject({ breaks: ["self"], lines: [], isReplaceable: false });
  });
});
