/** The text of `~/.aws/config` and `~/.aws/credentials`, as far as the question goes what in it beats the endpoint. */

/** Settings that make a profile a source of credentials of its own (sdk-contract §2). */
const COMPETING_SETTINGS: readonly string[] = [
  "aws_access_key_id",
  "credential_process",
  "credential_source",
  "login_session",
  "role_arn",
  "source_profile",
  "sso_account_id",
  "sso_session",
  "sso_start_url",
  "web_identity_token_file",
];
/** Never copied from any profile. */
const SECRET_SETTINGS: readonly string[] = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];

/** The first setting of the default profile that competes; undefined where there is none, as with a region only. */
export function competingSetting(text: string): string | undefined {
  for (const { section, setting } of linesOf(text)) {
    if (isDefault(section) && setting !== undefined && COMPETING_SETTINGS.includes(setting)) return setting;
  }
  return undefined;
}

/** The text without those settings, and without any key of any profile; the rest stays as it was written. */
export function withoutCompetingSettings(text: string): string {
  const kept = linesOf(text).filter(({ section, setting }) => {
    if (setting === undefined) return true;
    return !SECRET_SETTINGS.includes(setting) && !(isDefault(section) && COMPETING_SETTINGS.includes(setting));
  });
  return kept.map(({ line }) => `${line}\n`).join("");
}

interface Line {
  readonly line: string;
  /** As in the brackets; undefined before the first. */
  readonly section: string | undefined;
  /** To which the line belongs: indented lines belong to the setting above them. */
  readonly setting: string | undefined;
}

function linesOf(text: string): readonly Line[] {
  const lines: Line[] = [];
  let section: string | undefined;
  let setting: string | undefined;
  for (const line of text.replace(/^\uFEFF/, "").split(/\r?\n/)) {
    const heading = HEADING.exec(line)?.[1];
    if (heading !== undefined) [section, setting] = [heading, undefined];
    else if (SETTING_START.test(line)) setting = settingOf(line);
    lines.push({ line, section, setting: REMARK.test(line) ? undefined : setting });
  }
  return lines.at(-1)?.line === "" ? lines.slice(0, -1) : lines;
}

const HEADING = /^\s*\[\s*([^\]]*?)\s*\]/;
const REMARK = /^\s*(?:[#;]|$)/;
const SETTING_START = /^[^\s#;]/;

function settingOf(line: string): string | undefined {
  return /^([^=:\s]+)\s*[=:]/.exec(line)?.[1]?.toLowerCase();
}

function isDefault(section: string | undefined): boolean {
  return section !== undefined && /^(?:profile\s+)?["']?default["']?$/.test(section);
}
