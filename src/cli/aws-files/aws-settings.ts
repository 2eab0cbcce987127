/** Of which settings of an AWS file a program may go on to know, and which are about credentials (docs/clients.md). */

/**
 * Settings that say nothing about credentials and that a user would miss, and the variables that say the same to every
 * program that reads the setting. None: only the file can say it.
 */
const HARMLESS_SETTINGS: ReadonlyMap<string, readonly string[]> = new Map([
  ["region", ["AWS_REGION", "AWS_DEFAULT_REGION"]],
  ["output", ["AWS_DEFAULT_OUTPUT"]],
  ["cli_pager", ["AWS_PAGER"]],
  ["cli_auto_prompt", ["AWS_CLI_AUTO_PROMPT"]],
  ["ca_bundle", ["AWS_CA_BUNDLE"]],
  ["retry_mode", ["AWS_RETRY_MODE"]],
  ["max_attempts", ["AWS_MAX_ATTEMPTS"]],
  ["defaults_mode", ["AWS_DEFAULTS_MODE"]],
  ["use_fips_endpoint", ["AWS_USE_FIPS_ENDPOINT"]],
  ["use_dualstack_endpoint", ["AWS_USE_DUALSTACK_ENDPOINT"]],
  ["sts_regional_endpoints", ["AWS_STS_REGIONAL_ENDPOINTS"]],
  ["s3_us_east_1_regional_endpoint", ["AWS_S3_US_EAST_1_REGIONAL_ENDPOINT"]],
  ["s3_use_arn_region", ["AWS_S3_USE_ARN_REGION"]],
  ["s3_disable_multiregion_access_points", ["AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS"]],
  ["s3_disable_express_session_auth", ["AWS_S3_DISABLE_EXPRESS_SESSION_AUTH"]],
  ["request_checksum_calculation", ["AWS_REQUEST_CHECKSUM_CALCULATION"]],
  ["response_checksum_validation", ["AWS_RESPONSE_CHECKSUM_VALIDATION"]],
  ["account_id_endpoint_mode", ["AWS_ACCOUNT_ID_ENDPOINT_MODE"]],
  ["sdk_ua_app_id", ["AWS_SDK_UA_APP_ID"]],
  ["disable_request_compression", ["AWS_DISABLE_REQUEST_COMPRESSION"]],
  ["request_min_compression_size_bytes", ["AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES"]],
  ["auth_scheme_preference", ["AWS_AUTH_SCHEME_PREFERENCE"]],
  ["sigv4a_signing_region_set", ["AWS_SIGV4A_SIGNING_REGION_SET"]],
  ["endpoint_discovery_enabled", []],
  ["parameter_validation", []],
  ["tcp_keepalive", []],
  ["data_path", []],
  // Without these a call meant for a local AWS would go to the real one, with a real role.
  ["endpoint_url", []],
  ["ignore_configure_endpoint_urls", []],
  ["ignore_configured_endpoint_urls", []],
  ["services", []],
]);
/** Heads of nested blocks: tuning of transfers, versions of APIs. */
const HARMLESS_BLOCKS: ReadonlySet<string> = new Set(["s3", "s3api", "s3control", "api_versions", "cloudfront"]);

/** Keys themselves: no copy has a profile that holds one. */
const KEY_SETTINGS: ReadonlySet<string> = new Set([
  ...["aws_access_key_id", "aws_secret_access_key", "aws_session_token", "aws_security_token"],
]);

/** What else makes a profile a source of credentials, or tells how: kept where a program names the profile. */
const CREDENTIAL_SETTINGS: ReadonlySet<string> = new Set([
  ...["role_arn", "source_profile", "credential_source", "external_id", "mfa_serial", "role_session_name"],
  ...["duration_seconds", "source_identity", "web_identity_token_file", "credential_process", "login_session"],
  ...["sso_session", "sso_account_id", "sso_role_name", "sso_start_url", "sso_region", "sso_registration_scopes"],
]);

/** Variables in place of a harmless setting; undefined: a setting that no user would miss, or that is not harmless. */
export function variablesOf(setting: string): readonly string[] | undefined {
  return HARMLESS_SETTINGS.get(setting) ?? (/^cli_[a-z0-9_]+$/.test(setting) ? [] : undefined);
}

export function isHarmlessBlock(setting: string): boolean {
  return HARMLESS_BLOCKS.has(setting);
}

export function isKeySetting(setting: string): boolean {
  return KEY_SETTINGS.has(setting);
}

/** Keys, or what else of a profile has to do with credentials. */
export function isCredentialSetting(setting: string): boolean {
  return KEY_SETTINGS.has(setting) || CREDENTIAL_SETTINGS.has(setting);
}

const KEY_LINE =
  /(?:access_?key|secret|session_?token|security_?token|password)\w*["']?\s*[=:]\s*["']?([^\s"',}]{8,})/gi;
const KEY_ID = /(?<![A-Z0-9])A[KS]IA[A-Z0-9]{12,}/;
const SECRET_KEY = /(?<![A-Za-z0-9/+])(?=[^\s]*[a-z])(?=[^\s]*[A-Z])(?=[^\s]*\d)[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])/;

/** Whether a text may hold a key: one of those that stand in the AWS files, however written, or what looks like one. */
export function keyFinder(texts: readonly string[]): (text: string) => boolean {
  const known = new Set(texts.flatMap((text) => [...text.matchAll(KEY_LINE)].map((match) => match[1] ?? "")));
  return (text) =>
    KEY_ID.test(text) || SECRET_KEY.test(text) || (known.size > 0 && [...known].some((key) => text.includes(key)));
}

/** What the default profile of an AWS file may hold of interest to a client, read as the most willing one reads it. */
interface DefaultProfile {
  /** The first setting that makes some client look elsewhere, or fail. */
  readonly competing: string | undefined;
}

/**
 * Undefined: no client sees a default profile here. Clients differ in what they take for a heading and for a setting
 * (indented, in a nested block, behind a colon), so whatever one of them could see counts.
 */
export function defaultProfile(text: string): DefaultProfile | undefined {
  const sections = text.split(/^[^\S\r\n]*\[|[\r\n]\s*\[/m).slice(1);
  const lines = sections.filter((section) => DEFAULT_HEADING.test(section)).flatMap((it) => it.split(/[\r\n]+/));
  if (lines.length === 0) return undefined;
  const settings = lines.slice(1).map((line) => /^\s*([^=:\s#;]+)\s*[=:]/.exec(line)?.[1]?.toLowerCase() ?? "");
  return { competing: settings.find(isCredentialSetting) };
}

const DEFAULT_HEADING = /^\s*(?:profile\s+)?["']?\s*default\s*["']?\s*\]/i;

/**
 * What makes Python's configparser, and the AWS CLI and boto3 with it, refuse a file as a whole, also where the endpoint would
 * give them credentials; reads on after "which". Undefined: nothing of what a user may not see in an editor.
 */
export function whyAwsCliStops(text: string): string | undefined {
  if (/[\0\uFFFD]/.test(text)) return "is not UTF-8 text";
  if (text.startsWith("\uFEFF")) return "begins with a byte order mark";
  const lines = text.split(/\r\n|\r|\n/);
  const first = lines.findIndex((line) => !/^\s*(?:[#;]|$)/.test(line));
  if (first === -1 || /^\s*\[[^\]]+\]/.test(lines[first] ?? "")) return undefined;
  return `has a setting before any [section], in line ${first + 1}`;
}
