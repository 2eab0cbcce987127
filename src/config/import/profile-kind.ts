import { isOwnProcess } from "../../core/own-process.js";
import { canonicalStartUrl } from "../../core/start-url.js";
import type { AwsProfile, Settings } from "./aws-profiles.js";
import { type KeysKind, keysKind, refuseReading } from "./profile-keys.js";

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
  | Extract<KeysKind, { readonly kind: "keys" }>
  | {
      readonly kind: "sso";
      readonly session: SsoSessionFields;
      readonly accountId: string;
      readonly roleName: string;
      /** Written as granted's own settings (granted_sso_…). */
      readonly isGranted?: true;
    }
  | { readonly kind: "assume"; readonly roleArn: string; readonly from: AssumeFrom }
  | { readonly kind: "web_identity"; readonly roleArn: string; readonly tokenFile: string }
  | { readonly kind: "process"; readonly command: string }
  /** `aws login`: a login of our own in its place, by the same user. */
  | { readonly kind: "console_login"; readonly loginSession: string }
  /** What we have no type of our own for: the AWS SDK reads the profile itself. */
  | { readonly kind: "profile"; readonly because: string }
  /** Nothing in it gives credentials. */
  | { readonly kind: "none" }
  /** `isOurs`: it asks this broker already. */
  | { readonly kind: "refused"; readonly why: string; readonly isOurs?: true };

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
    () => keysKind(profile, "credentials"),
    () => loginKind(settings),
    () => grantedKind(settings),
    () => processKind(settings),
    () => keysKind(profile, "config"),
  ];
  for (const kindOf of kinds) {
    const kind = kindOf();
    if (kind) return kind;
  }
  return { kind: "none" };
}

/** Its key can only be in the secret store: nothing in it gives credentials, or this broker does. */
export function isHeldAtMost(kind: ProfileKind): boolean {
  return kind.kind === "none" || (kind.kind === "refused" && kind.isOurs === true);
}

/** The profile's own access key, whatever else it has: with it a `source_profile` signs before anything else. */
export function ownKeys(profile: AwsProfile): ProfileKind | undefined {
  return keysKind(profile, "credentials") ?? keysKind(profile, "config");
}

/** What granted writes into the profiles that it makes; the first four are always there. */
export const GRANTED: readonly string[] = [
  "granted_sso_start_url",
  "granted_sso_region",
  "granted_sso_account_id",
  "granted_sso_role_name",
  "granted_sso_registration_scopes",
];

/** Those whose value decides which credentials there are: for them one reading must be the only one. */
const DECIDING: readonly string[] = [
  "aws_access_key_id",
  "aws_secret_access_key",
  "credential_process",
  "credential_source",
  ...GRANTED,
  "role_arn",
  "source_profile",
  "sso_account_id",
  "sso_role_name",
  "sso_session",
  "sso_start_url",
  "web_identity_token_file",
];

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
    const vault = settings.has("web_identity_token_process") ? " (web_identity_token_process is aws-vault's own)" : "";
    const why = `has a role_arn, but neither source_profile nor credential_source signs for it${vault}`;
    return { kind: "refused", why };
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
  if (typeof fields === "string") return { kind: "refused", why: fields };
  const differing = name === undefined ? undefined : differingFromSession(settings, fields);
  if (differing !== undefined) {
    const why = `its ${differing} is another one than that of [sso-session ${String(name)}]: the AWS CLI refuses that`;
    return { kind: "refused", why };
  }
  return { kind: "sso", session: fields, accountId, roleName };
}

function differingFromSession(settings: Settings, { startUrl, region }: SsoSessionFields): string | undefined {
  const ownUrl = valueOf(settings, "sso_start_url");
  if (ownUrl !== undefined && canonicalStartUrl(ownUrl) !== startUrl) return "sso_start_url";
  const ownRegion = valueOf(settings, "sso_region");
  return ownRegion !== undefined && ownRegion !== region ? "sso_region" : undefined;
}

const GRANTED_PROCESS = /(?:^|[\s/"'])granted["']?\s+credential-process(?:\s|$)/;

/** Whether this program is granted's. */
export function isOfGranted(command: string): boolean {
  return GRANTED_PROCESS.test(command);
}

/** A profile that granted made: the portal is asked here, not by its program. */
function grantedKind(settings: Settings): ProfileKind | undefined {
  const command = valueOf(settings, "credential_process");
  if (command !== undefined && !isOfGranted(command)) return undefined;
  const own = new Map([...settings].map(([name, setting]) => [name.replace(/^granted_/, ""), setting]));
  if (GRANTED.slice(0, 4).some((name) => !settings.has(name))) return undefined;
  const session = ssoSessionFields(own, undefined);
  const accountId = valueOf(own, "sso_account_id");
  const roleName = valueOf(own, "sso_role_name");
  if (typeof session === "string" || accountId === undefined || roleName === undefined) return undefined;
  return { kind: "sso", session, accountId, roleName, isGranted: true };
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

/** As the config takes it; what is none the SDK may still find in its cache. */
const LOGIN_SESSION = /^arn:[\w-]+:(?:iam|sts|signin)::\d{12}:[\x21-\x7e]+$/;

function loginKind(settings: Settings): ProfileKind | undefined {
  const loginSession = valueOf(settings, "login_session")?.trim();
  if (loginSession === undefined) return undefined;
  return LOGIN_SESSION.test(loginSession)
    ? { kind: "console_login", loginSession }
    : { kind: "profile", because: "login_session (aws login)" };
}

/** A profile that asks this broker would go round in a circle. */
function processKind(settings: Settings): ProfileKind | undefined {
  const command = valueOf(settings, "credential_process");
  if (command === undefined) return undefined;
  if (isOwnProcess(command)) {
    return { kind: "refused", why: "gets its credentials from this broker already", isOurs: true };
  }
  return { kind: "process", command };
}

function valueOf(settings: Settings, name: string): string | undefined {
  return settings.get(name)?.value;
}
