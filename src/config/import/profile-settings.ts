import type { AwsProfile, PlacedSetting } from "./aws-profiles.js";
import { GRANTED, type ProfileKind } from "./profile-kind.js";

/**
 * Every setting of a profile is one of these: taken by the kind of profile that uses it; of credentials, but without
 * effect for this kind; left out for a reason of its own; unrelated to credentials; or unknown, which is said
 * too. Compared with what botocore 1.44 (`configprovider`, `credentials`, `tokens`), aws-vault 7 and granted read.
 */
const KEY = ["aws_access_key_id", "aws_secret_access_key"];
const ASSUME = ["role_arn", "role_session_name", "duration_seconds"];
const MFA = ["mfa_serial", "mfa_process"];
/** Of AssumeRole: aws-vault's own names, which the AWS CLI does not know. */
const AWS_VAULT = ["source_identity", "session_tags", "transitive_session_tags"];
const SSO = [
  "sso_session",
  "sso_start_url",
  "sso_region",
  "sso_account_id",
  "sso_role_name",
  "sso_registration_scopes",
];

const TAKEN_BY_KIND: Readonly<Record<Exclude<ProfileKind["kind"], "none" | "refused">, readonly string[]>> = {
  assume: [...ASSUME, "source_profile", "credential_source", "external_id", ...MFA, ...AWS_VAULT],
  web_identity: [...ASSUME, "web_identity_token_file"],
  sso: SSO,
  keys: [...KEY, ...MFA],
  process: ["credential_process"],
  console_login: ["login_session"],
  // the AWS SDK reads the profile itself, all that it knows
  profile: [
    ...[...ASSUME, "source_profile", "credential_source", "external_id", "mfa_serial", "web_identity_token_file"],
    ...[...SSO, ...KEY, "aws_session_token", "aws_security_token", "login_session", "credential_process"],
  ],
};

/** What decides, where several could. */
const DECIDES: Readonly<Record<keyof typeof TAKEN_BY_KIND, string>> = {
  assume: "role_arn decides",
  web_identity: "web_identity_token_file decides",
  sso: "the permission set decides",
  keys: "its access key decides",
  process: "credential_process decides",
  console_login: "login_session decides",
  profile: "the AWS SDK does not read it",
};

const OF_CREDENTIALS: ReadonlySet<string> = new Set([...Object.values(TAKEN_BY_KIND).flat(), ...GRANTED]);

const ELSEWHERE = "it is no matter of credentials";
const METADATA = "brokerd asks the metadata service as its own environment says";
const INCLUDES = "only aws-vault reads it; write what it brings into the profile itself";
/** Left out with a reason: who relies on them must know. */
const LEFT_OUT: ReadonlyMap<string, string> = new Map([
  ["endpoint_url", ELSEWHERE],
  ["services", ELSEWHERE],
  ["ca_bundle", ELSEWHERE],
  ["use_fips_endpoint", "brokerd takes it from AWS_USE_FIPS_ENDPOINT when it starts"],
  ["use_dualstack_endpoint", "brokerd takes it from AWS_USE_DUALSTACK_ENDPOINT when it starts"],
  ["sts_regional_endpoints", "brokerd calls STS in the role's region"],
  ["ec2_metadata_service_endpoint", METADATA],
  ["ec2_metadata_service_endpoint_mode", METADATA],
  ["ec2_metadata_v1_disabled", METADATA],
  ["imds_use_ipv6", METADATA],
  ["metadata_service_timeout", METADATA],
  ["metadata_service_num_attempts", METADATA],
  ["include_profile", INCLUDES],
  ["parent_profile", INCLUDES],
  [
    "web_identity_token_process",
    "have the program write its token to a file, and name that in web_identity_token_file",
  ],
]);

/** What clients do with credentials, not which they are: nothing is said of these. */
const OF_CLIENTS: ReadonlySet<string> = new Set([
  // taken by every kind
  "region",
  // botocore's own variables
  ...["account_id_endpoint_mode", "api_versions", "auth_scheme_preference", "aws_account_id", "data_path"],
  ...["defaults_mode", "disable_host_prefix_injection", "disable_request_compression", "endpoint_discovery_enabled"],
  ...["ignore_configured_endpoint_urls", "max_attempts", "output", "parameter_validation", "retry_mode"],
  ...["request_checksum_calculation", "request_min_compression_size_bytes", "response_checksum_validation"],
  ...["s3_disable_express_session_auth", "s3_disable_multiregion_access_points", "s3_us_east_1_regional_endpoint"],
  ...["s3_use_arn_region", "sdk_ua_app_id", "sigv4a_signing_region_set", "tcp_keepalive"],
  ...["csm_client_id", "csm_enabled", "csm_host", "csm_port"],
  ...["proxy_ca_bundle", "proxy_client_cert", "proxy_use_forwarding_for_https"],
  // of granted, and of the AWS toolkits
  ...["common_fate_generated_from", "toolkit_artifact_guid"],
]);
const OF_THE_CLI = /^cli_[a-z_]+$/;

/** What of a profile its role does not hold, and why; `isSigner`: its access key signs for other profiles. */
export function leftOutNotes(profile: AwsProfile, kind: ProfileKind, isSigner: boolean): string[] {
  if (kind.kind === "none" || kind.kind === "refused") return [];
  const isTaken = (name: string): boolean =>
    TAKEN_BY_KIND[kind.kind].includes(name) ||
    (kind.kind === "sso" && kind.isGranted === true && [...GRANTED, "credential_process"].includes(name)) ||
    (isSigner && [...KEY, ...MFA].includes(name));
  const left = namesIn(profile.all).filter((name) => !isTaken(name) && !OF_CLIENTS.has(name) && !OF_THE_CLI.test(name));
  const withoutEffect = left.filter((name) => OF_CREDENTIALS.has(name));
  const unknown = left.filter((name) => !OF_CREDENTIALS.has(name) && !LEFT_OUT.has(name));
  return [
    ...reasons(left),
    ...(withoutEffect.length > 0 ? [`${withoutEffect.join(", ")} left out: ${DECIDES[kind.kind]}`] : []),
    ...unknownNote(unknown),
  ];
}

/** Of an `[sso-session]`. */
export function leftOutOfSession(settings: Iterable<PlacedSetting>): string[] {
  return unknownNote(namesIn([...settings]).filter((name) => !SSO.includes(name)));
}

/** Those with a value: the head of a nested block (`s3 =`) holds none that is of credentials. */
function namesIn(settings: readonly PlacedSetting[]): string[] {
  return [...new Set(settings.filter(({ value }) => value !== "").map(({ name }) => name))];
}

/** One note for each reason. */
function reasons(names: readonly string[]): string[] {
  const byReason = new Map<string, string[]>();
  for (const name of names) {
    const why = LEFT_OUT.get(name);
    if (why !== undefined) byReason.set(why, [...(byReason.get(why) ?? []), name]);
  }
  return [...byReason].map(
    ([why, those]) => `${those.join(", ")} ${those.length > 1 ? "stay" : "stays"} behind: ${why}`,
  );
}

/** Names only: what stands behind them may be anything. */
function unknownNote(names: readonly string[]): string[] {
  if (names.length === 0) return [];
  return [`${names.join(", ")} left out: unknown to the AWS CLI, aws-vault and granted`];
}
