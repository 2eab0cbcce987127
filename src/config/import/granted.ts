import type { AwsFiles, FileText } from "../../core/aws-import.js";
import { type AwsProfile, type AwsProfiles, readAwsProfiles } from "./aws-profiles.js";
import { GRANTED, isOfGranted } from "./profile-kind.js";
import { ProfileText } from "./profile-text.js";

/**
 * What granted made: the `SSO` entries of its config, as sessions, and its profiles in `~/.aws/config`. Keys in its keyring
 * are not read: it has no command that prints one.
 */
export function readGranted(aws: AwsFiles, settings: FileText | null): AwsProfiles {
  const text = new ProfileText(aws.config?.path ?? settings?.path ?? "~/.aws/config");
  for (const [name, { StartURL: startUrl, SSORegion: region }] of ssoEntries(settings?.text ?? "")) {
    text.session(name, { sso_start_url: startUrl, sso_region: region });
  }
  const { profiles, ssoSessions } = readAwsProfiles(aws);
  for (const profile of profiles.values()) if (isMadeByGranted(profile)) addProfile(text, profile, ssoSessions);
  return text.read();
}

function isMadeByGranted({ settings }: AwsProfile): boolean {
  const command = settings.get("credential_process")?.value;
  return command !== undefined && isOfGranted(command);
}

function addProfile(text: ProfileText, { name, settings }: AwsProfile, ssoSessions: AwsProfiles["ssoSessions"]): void {
  const isSso = GRANTED.slice(2, 4).every((field) => settings.has(field));
  if (!isSso) {
    const moved = `granted credentials export-plaintext ${name}, then brokerctl import ${name} --replace`;
    text.odd(name, `its key is in granted's keyring: ${moved}`);
    return;
  }
  const valueOf = (field: string): string | undefined =>
    settings.get(`granted_${field}`)?.value ?? settings.get(field)?.value;
  const session = settings.get("sso_session")?.value;
  const named = session === undefined ? undefined : ssoSessions.get(session);
  if (session !== undefined && named) {
    text.session(session, Object.fromEntries([...named.values()].map((one) => [one.name, one.value])));
  }
  text.profile(name, {
    ...Object.fromEntries(SSO_FIELDS.map((field) => [field, valueOf(field)])),
    sso_session: session,
    region: settings.get("region")?.value,
  });
}

const SSO_FIELDS: readonly string[] = [
  "sso_start_url",
  "sso_region",
  "sso_account_id",
  "sso_role_name",
  "sso_registration_scopes",
];

type Entry = Readonly<Record<string, string>>;

/** `[SSO.NAME]` and the `key = "text"` below it, as granted's TOML encoder writes them; nothing else of the file is of use. */
function ssoEntries(toml: string): ReadonlyMap<string, Entry> {
  const entries = new Map<string, Record<string, string>>();
  let current: Record<string, string> | undefined;
  for (const line of toml.split(/\r?\n/)) {
    const heading = /^\s*\[(.+)\]\s*$/.exec(line)?.[1];
    if (heading !== undefined) {
      const name = entryName(heading);
      current = name === undefined ? undefined : {};
      if (name !== undefined && current) entries.set(name, current);
    }
    if (current) addSetting(current, line);
  }
  return entries;
}

function entryName(heading: string): string | undefined {
  const [, quoted, bare] = /^SSO\.(?:"(.+)"|([\w-]+))$/.exec(heading) ?? [];
  return quoted ?? bare;
}

function addSetting(entry: Record<string, string>, line: string): void {
  const [, key, value] = /^\s*(\w+)\s*=\s*"([^"\\]*)"\s*$/.exec(line) ?? [];
  if (key !== undefined && value !== undefined) entry[key] = value;
}
