import { Secret } from "../../core/secret.js";
import { canonicalStartUrl } from "../../core/start-url.js";
import type { AwsProfile, Settings } from "./aws-profiles.js";

/** What signs for a role: the start URL and region of an Identity Center. */
export interface SsoSessionFields {
  /** Of its `[sso-session]`; undefined: written in the profile itself. */
  readonly name: string | undefined;
  readonly startUrl: string;
  readonly region: string;
  readonly scopes: readonly string[];
}

/** How a profile gets its credentials. */
export type ProfileKind =
  | { readonly kind: "keys"; readonly accessKeyId: string; readonly secretAccessKey: Secret }
  | {
      readonly kind: "sso";
      readonly session: SsoSessionFields;
      readonly accountId: string;
      readonly roleName: string;
    }
  | { readonly kind: "assume"; readonly roleArn: string; readonly from: AssumeFrom }
  | { readonly kind: "web_identity"; readonly roleArn: string; readonly tokenFile: string }
  | { readonly kind: "process"; readonly command: string }
  /** What we have no type of our own for: the AWS SDK reads the profile itself. */
  | { readonly kind: "profile"; readonly because: string }
  /** Nothing in it gives credentials. */
  | { readonly kind: "none" }
  | { readonly kind: "refused"; readonly why: string };

export type AssumeFrom = { readonly profile: string } | { readonly machine: "instance_metadata" | "container" };

/** The kind of a profile, by the AWS CLI's own order of precedence (botocore 1.43, `create_credential_resolver`). */
export function profileKind(profile: AwsProfile, ssoSessions: ReadonlyMap<string, Settings>): ProfileKind {
  const { settings } = profile;
  const secondReading = [...settings.values()].find(
    ({ name, value, hasRemark }) => DECIDING.includes(name) && (value.includes("\n") || hasRemark),
  );
  if (secondReading) return refuseReading(secondReading.name, secondReading.value);
  const kinds = [
    () => assumeKind(settings),
    () => webIdentityKind(settings),
    () => ssoKind(settings, ssoSessions),
    () => keysKind(settings, "credentials"),
    () => loginKind(settings),
    () => processKind(settings),
    () => keysKind(settings, "config"),
  ];
  for (const kindOf of kinds) {
    const kind = kindOf();
    if (kind) return kind;
  }
  return { kind: "none" };
}

/** The profile's own access key, whatever else it has: with it a `source_profile` signs before anything else. */
export function ownKeys(profile: AwsProfile): ProfileKind | undefined {
  return keysKind(profile.settings, "credentials") ?? keysKind(profile.settings, "config");
}

/** Those whose value decides which credentials there are: for them one reading must be the only one. */
const DECIDING: readonly string[] = [
  "aws_access_key_id",
  "aws_secret_access_key",
  "credential_process",
  "credential_source",
  "role_arn",
  "source_profile",
  "sso_account_id",
  "sso_role_name",
  "sso_session",
  "sso_start_url",
  "web_identity_token_file",
];

function refuseReading(name: string, value: string): ProfileKind {
  const why = value.includes("\n")
    ? `${name} goes on over several lines`
    : `${name} holds a # or ; that the AWS CLI takes for a part of it and the SDKs for a remark`;
  return { kind: "refused", why };
}

function assumeKind(settings: Settings): ProfileKind | undefined {
  const roleArn = valueOf(settings, "role_arn");
  if (roleArn === undefined || settings.has("web_identity_token_file")) return undefined;
  const profile = valueOf(settings, "source_profile");
  const source = valueOf(settings, "credential_source");
  if (profile !== undefined && source !== undefined) {
    return { kind: "refused", why: "has both source_profile and credential_source: AWS takes one of the two" };
  }
  if (profile !== undefined) return { kind: "assume", roleArn, from: { profile } };
  if (source === undefined) {
    return { kind: "refused", why: "has a role_arn, but neither source_profile nor credential_source signs for it" };
  }
  return machineKind(roleArn, source);
}

function machineKind(roleArn: string, source: string): ProfileKind {
  const machine = CREDENTIAL_SOURCES.get(source.toLowerCase());
  if (machine) return { kind: "assume", roleArn, from: { machine } };
  const why =
    source.toLowerCase() === "environment"
      ? "credential_source Environment: brokerd takes no keys from variables; import or add the key itself"
      : `unknown credential_source ${source}`;
  return { kind: "refused", why };
}

const CREDENTIAL_SOURCES: ReadonlyMap<string, "instance_metadata" | "container"> = new Map([
  ["ec2instancemetadata", "instance_metadata"],
  ["ecscontainer", "container"],
]);

function webIdentityKind(settings: Settings): ProfileKind | undefined {
  const tokenFile = valueOf(settings, "web_identity_token_file");
  if (tokenFile === undefined) return undefined;
  const roleArn = valueOf(settings, "role_arn");
  if (roleArn === undefined) return { kind: "refused", why: "has a web_identity_token_file, but no role_arn" };
  return { kind: "web_identity", roleArn, tokenFile };
}

function ssoKind(settings: Settings, sessions: ReadonlyMap<string, Settings>): ProfileKind | undefined {
  const accountId = valueOf(settings, "sso_account_id");
  const roleName = valueOf(settings, "sso_role_name");
  if (accountId === undefined && roleName === undefined) return undefined;
  if (accountId === undefined) return { kind: "refused", why: "has no sso_account_id" };
  if (roleName === undefined) return { kind: "refused", why: "has no sso_role_name" };
  const name = valueOf(settings, "sso_session");
  const session = name === undefined ? settings : sessions.get(name);
  if (!session) return { kind: "refused", why: `there is no [sso-session ${String(name)}]` };
  const fields = ssoSessionFields(session, name);
  return typeof fields === "string"
    ? { kind: "refused", why: fields }
    : { kind: "sso", session: fields, accountId, roleName };
}

/** Of an `[sso-session]` or a profile without one; a text says what is missing. */
export function ssoSessionFields(settings: Settings, name: string | undefined): SsoSessionFields | string {
  const where = name === undefined ? "" : ` in [sso-session ${name}]`;
  const startUrl = valueOf(settings, "sso_start_url");
  const region = valueOf(settings, "sso_region");
  if (startUrl === undefined) return `there is no sso_start_url${where}`;
  if (region === undefined) return `there is no sso_region${where}`;
  const scopes = valueOf(settings, "sso_registration_scopes")?.split(/[\s,]+/) ?? [];
  return { name, startUrl: canonicalStartUrl(startUrl), region, scopes: scopes.filter(Boolean) };
}

function keysKind(settings: Settings, file: "credentials" | "config"): ProfileKind | undefined {
  const id = settings.get("aws_access_key_id");
  const secret = settings.get("aws_secret_access_key");
  if ((id ?? secret)?.file !== file) return undefined;
  if (!id || !secret) {
    const missing = id ? "aws_secret_access_key" : "aws_access_key_id";
    return { kind: "refused", why: `is half a key: ${missing} is missing` };
  }
  if (isTemporary(settings)) {
    return { kind: "profile", because: "temporary keys, which some other program puts into the file" };
  }
  return longTermKey(id.value, secret.value);
}

function isTemporary(settings: Settings): boolean {
  return settings.has("aws_session_token") || valueOf(settings, "aws_access_key_id")?.startsWith("ASIA") === true;
}

/** The shapes that the secret store takes (`keys-add`); never quotes them. */
function longTermKey(id: string, secret: string): ProfileKind {
  if (!/^[A-Z0-9]{16,128}$/.test(id)) return { kind: "refused", why: "its aws_access_key_id is none" };
  if (!/^[!-~]{16,256}$/.test(secret)) return { kind: "refused", why: "its aws_secret_access_key is none" };
  return { kind: "keys", accessKeyId: id, secretAccessKey: new Secret(secret) };
}

function loginKind(settings: Settings): ProfileKind | undefined {
  return settings.has("login_session") ? { kind: "profile", because: "login_session (aws login)" } : undefined;
}

/** A profile that asks this broker would go round in a circle. */
const OUR_OWN_PROCESS = /(?:^|[\s/"'])brokerctl(?:\.js)?["']?\s(?:.*\s)?credential-process(?:\s|$)/;

function processKind(settings: Settings): ProfileKind | undefined {
  const command = valueOf(settings, "credential_process");
  if (command === undefined) return undefined;
  if (OUR_OWN_PROCESS.test(command)) return { kind: "refused", why: "gets its credentials from this broker already" };
  return { kind: "process", command };
}

function valueOf(settings: Settings, name: string): string | undefined {
  return settings.get(name)?.value;
}
