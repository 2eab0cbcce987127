import { describe, expect, it } from "vitest";
import { type AwsImport, planAwsImport } from "../../../src/config/import/aws-config-import.js";
import type { VaultSettings } from "../../../src/core/aws-import.js";
import { canarySecretKey } from "../../support/canaries.js";
import { caught, HEAD, PLACE, parse } from "../config-text.js";
import { itemOf } from "./planned-import.js";

const ID = "AKIA0000000000000001";
const MFA = "arn:aws:iam::111111111111:mfa/me";
const key = (name: string): string =>
  `[${name}]\naws_access_key_id = ${ID}\naws_secret_access_key = ${canarySecretKey("vault")}\n`;

interface Files {
  readonly config?: string;
  readonly credentials?: string;
  readonly settings?: string;
}

function plan(vault: VaultSettings["vault"], { config, credentials, settings }: Files): AwsImport {
  return planAwsImport({
    ...{ ...PLACE, text: HEAD, profiles: null, withDefault: false, heldKeys: new Map() },
    aws: {
      ...(config !== undefined && { config: { text: config, path: "~/.aws/config" } }),
      ...(credentials !== undefined && { credentials: { text: credentials, path: "aws-vault's keyring" } }),
    },
    from: { vault, settings: settings === undefined ? null : { text: settings, path: "~/settings" } },
  });
}

describe("profiles of aws-vault", () => {
  it("are signed for by the keys of its keyring, with the MFA device that the roles name", () => {
    const config = `[profile ops]\nmfa_serial = ${MFA}\n[profile prod]\nrole_arn = arn:aws:iam::222222222222:role/prod\nsource_profile = ops\n`;
    const imported = plan("aws-vault", { config, credentials: key("ops") });
    const { roles, sources } = parse(imported.text ?? "");
    expect(sources.get("ops")).toMatchObject({ type: "keys", mfaSerial: MFA });
    expect(roles.get("prod")).toMatchObject({ assume: { roleArn: "arn:aws:iam::222222222222:role/prod" } });
    expect(imported.keys.map(({ source, accessKeyId }) => [source, accessKeyId])).toEqual([["ops", ID]]);
  });

  it("take over what include_profile brings, through several, and never twice round", () => {
    const config = `[profile base]\ninclude_profile = far\nregion = eu-west-1\n[profile far]\nmfa_serial = ${MFA}\ninclude_profile = base
[profile prod]\ninclude_profile = base\nsource_profile = ops\nrole_arn = arn:aws:iam::222222222222:role/prod\nregion = us-east-1\n`;
    const imported = plan("aws-vault", { config, credentials: key("ops") });
    const { roles, sources } = parse(imported.text ?? "");
    expect(roles.get("prod")?.region).toBe("us-east-1");
    expect(sources.get("ops")).toMatchObject({ mfaSerial: MFA });
    expect(itemOf(imported, "prod").notes).not.toContain("include_profile");
  });

  it("with a role and a key of the same name are signed for by that key", () => {
    const config = "[profile ops]\nrole_arn = arn:aws:iam::222222222222:role/prod\n";
    const { text } = plan("aws-vault", { config, credentials: key("ops") });
    expect(parse(text ?? "").roles.get("ops")).toMatchObject({
      origin: { source: { type: "keys", name: "ops" } },
      assume: { roleArn: "arn:aws:iam::222222222222:role/prod" },
    });
  });
});

const SSO_CLI = `SSOConfig:
    Default:
        SSORegion: us-east-1
        StartUrl: https://corp.awsapps.com/start
        DefaultRegion: eu-west-1
        Accounts:
            258234615182:
                Name: Playground
                Tags: [{ Type: Main }]
                Roles:
                    Admin:
                        DefaultRegion: ca-central-1
                    Limited:
                        Profile: small
            001234567890:
                Roles:
                    Deep:
                        Via: arn:aws:iam::258234615182:role/Limited
                        SourceIdentity: me
                    Deeper:
                        Via: arn:aws:iam::333333333333:role/NotListed
                    Broken:
                        Via: Limited
    Other:
        SSORegion: eu-west-1
        StartUrl: https://other.awsapps.com/start
ProfileFormat: "{{.AccountName}}/{{.RoleName}}"
`;

describe("the config of aws-sso-cli", () => {
  it("becomes a source for each portal, and a role for each role that it lists, chained where they are", () => {
    const imported = plan("aws-sso-cli", { settings: SSO_CLI });
    const { sources, roles } = parse(imported.text ?? "");
    expect([...sources.values()].map((source) => [source.name, source.type === "sso" && source.startUrl])).toEqual([
      ["corp", "https://corp.awsapps.com/start"],
      ["Other", "https://other.awsapps.com/start"],
    ]);
    expect(roles.get("Playground/Admin")).toMatchObject({
      ...{ region: "ca-central-1", sso: { accountId: "258234615182", roleName: "Admin" } },
    });
    expect(roles.get("small")).toMatchObject({ region: "eu-west-1", sso: { roleName: "Limited" } });
    expect(roles.get("001234567890/Deep")).toMatchObject({
      origin: { kind: "role", role: { name: "small" } },
      assume: { roleArn: "arn:aws:iam::001234567890:role/Deep", sourceIdentity: "me" },
    });
    expect(roles.get("001234567890/Deeper")?.origin).toMatchObject({ role: { name: "333333333333/NotListed" } });
    expect(itemOf(imported, "001234567890/Broken")).toMatchObject({
      outcome: "refused",
      notes: "its source_profile Limited is in none of the files",
    });
  });

  it("takes the names and regions of the profiles that it wrote into ~/.aws/config, and no others", () => {
    const process = (arn: string): string =>
      `credential_process = /usr/local/bin/aws-sso -u open -S "Default" process --arn ${arn}\n`;
    const config = `[profile mine]\n${process("arn:aws:iam::258234615182:role/Admin")}region = eu-west-2
[profile new]\n${process("arn:aws:iam::444444444444:role/New")}[profile not-its]\ncredential_process = /bin/other --arn x\n`;
    const { text } = plan("aws-sso-cli", { settings: SSO_CLI, config });
    const { roles } = parse(text ?? "");
    expect(roles.get("mine")).toMatchObject({ region: "eu-west-2", sso: { roleName: "Admin" } });
    expect(roles.get("new")).toMatchObject({ sso: { accountId: "444444444444", roleName: "New" } });
    expect([roles.has("Playground/Admin"), roles.has("not-its")]).toEqual([false, false]);
  });

  it("is refused where it is no YAML, and says why", () => {
    const error = caught(() => plan("aws-sso-cli", { settings: "SSOConfig: [" }));
    expect(error.code).toBe("FileRefused");
    expect(error.message).toContain("~/settings cannot be read");
  });

  it("is not taken at its word where a name would be a line of its own", () => {
    const settings = SSO_CLI.replace("Name: Playground", 'Name: "a]\\nrole_arn = x"');
    const imported = plan("aws-sso-cli", { settings });
    expect(imported.text).not.toContain("role_arn: x");
    expect(imported.items.some(({ notes }) => notes.join().includes("characters that no profile has"))).toBe(true);
  });
});

describe("what granted made", () => {
  const config = `[sso-session named]\nsso_start_url = https://named.awsapps.com/start\nsso_region = eu-west-1
[profile dev]\ngranted_sso_start_url = https://corp.awsapps.com/start\ngranted_sso_region = eu-west-1
granted_sso_account_id = 111111111111\ngranted_sso_role_name = Developer\ncredential_process = granted credential-process --profile dev
common_fate_generated_from = aws-sso
[profile by-session]\nsso_session = named\ngranted_sso_account_id = 111111111111\ngranted_sso_role_name = Admin
credential_process = /opt/granted credential-process --profile by-session
[profile key]\ncredential_process = granted credential-process --profile=key\n[profile other]\nrole_arn = arn:aws:iam::111111111111:role/x
`;
  const settings = `DefaultBrowser = "FIREFOX"\n[SSO]\n  [SSO.corp]\n    StartURL = "https://corp.awsapps.com/start"\n    SSORegion = "eu-west-1"
    Prefix = ""\n  [SSO."spare one"]\n    StartURL = "https://spare.awsapps.com/start"\n    SSORegion = "eu-west-1"\n[Keyring]\n  Backend = "file"\n`;

  it("becomes roles of Identity Center without its program, and sources for the portals of its config", () => {
    const imported = plan("granted", { config, settings });
    const { sources, roles } = parse(imported.text ?? "");
    expect([...sources.keys()].sort()).toEqual(["corp", "named", "spare-one"]);
    expect(roles.get("dev")).toMatchObject({ origin: { source: { name: "corp" } }, sso: { roleName: "Developer" } });
    expect(roles.get("by-session")).toMatchObject({
      origin: { source: { name: "named" } },
      sso: { roleName: "Admin" },
    });
    expect(roles.has("other")).toBe(false);
  });

  it("says of a key in its keyring what the person can do", () => {
    const imported = plan("granted", { config });
    expect(itemOf(imported, "key").notes).toContain(
      "granted credentials export-plaintext key, then brokerctl import key",
    );
    expect(imported.text).not.toContain("granted");
  });
});
