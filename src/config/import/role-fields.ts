import { showValue } from "../check/show-value.js";
import type { AwsProfile } from "./aws-profiles.js";
import type { MutableEntry, SourceDraft } from "./import-sources.js";
import type { ProfileKind } from "./profile-kind.js";

interface Described {
  readonly profile: AwsProfile;
  readonly kind: ProfileKind;
  readonly notes: string[];
}

/** MFA belongs to the key in our config, to the role in AWS's: one device opens the source for all its roles. */
export function noteMfa({ settings }: AwsProfile, source: SourceDraft, notes: string[]): void {
  const serial = settings.get("mfa_serial")?.value;
  const process = settings.get("mfa_process")?.value;
  if (serial === undefined) {
    if (process !== undefined) notes.push("mfa_process is left out: there is no mfa_serial");
    return;
  }
  const { entry } = source;
  if (source.isFixed !== true) {
    entry["mfa_serial"] ??= serial;
    if (process !== undefined) entry["mfa_process"] ??= process;
  }
  notes.push(...mfaDifferences({ serial, process }, source));
}

function mfaDifferences(
  { serial, process }: { readonly serial: string; readonly process: string | undefined },
  { entry, name }: SourceDraft,
): string[] {
  const device = entry["mfa_serial"];
  if (device === undefined) return [`its mfa_serial is not in source ${name}, which is in the config already`];
  const isOther = process !== undefined && entry["mfa_process"] !== process;
  return [
    ...(device === serial ? [] : [`its mfa_serial is another one: source ${name} asks ${showValue(device)}`]),
    ...(isOther ? [`its mfa_process is not that of source ${name}`] : []),
  ];
}

/** In the order in which the config's schema has them. */
export function roleFields(draft: Described): MutableEntry {
  const { kind, profile, notes } = draft;
  const { settings } = profile;
  const fields: MutableEntry = {};
  if ("roleArn" in kind) fields["role_arn"] = kind.roleArn;
  if (kind.kind === "sso") Object.assign(fields, { sso_account_id: kind.accountId, sso_role_name: kind.roleName });
  copyText("region", "region");
  if (!("roleArn" in kind)) return fields;
  const duration = settings.get("duration_seconds")?.value;
  if (duration !== undefined && /^\d{1,9}$/.test(duration)) fields["duration_seconds"] = Number(duration);
  else if (duration !== undefined) notes.push("duration_seconds is left out: not a number");
  copyText("role_session_name", "role_session_name");
  if (kind.kind === "web_identity") return fields;
  copyText("external_id", "external_id");
  copyText("source_identity", "source_identity");
  return { ...fields, ...tagFields(draft) };

  function copyText(from: string, to: string): void {
    const value = settings.get(from)?.value;
    if (value !== undefined) fields[to] = value;
  }
}

/** As aws-vault writes them: `team=core,env=dev`, and the keys of those that stay through a chain. */
function tagFields({ profile: { settings }, notes }: Described): MutableEntry {
  const list = (name: string): string[] | undefined =>
    settings
      .get(name)
      ?.value.split(",")
      .map((part) => part.trim())
      .filter(Boolean);
  const pairs = list("session_tags")?.map((part) => /^([^=]+)=(.*)$/.exec(part));
  if (pairs?.some((pair) => pair === null)) {
    notes.push("session_tags and transitive_session_tags are left out: not KEY=VALUE,KEY=VALUE");
    return {};
  }
  const tags = pairs?.map((pair) => [(pair?.[1] ?? "").trim(), (pair?.[2] ?? "").trim()] as const);
  const transitive = list("transitive_session_tags");
  return {
    ...(tags && tags.length > 0 && { tags: Object.fromEntries(tags) }),
    ...(transitive && transitive.length > 0 && { transitive_tag_keys: transitive }),
  };
}
