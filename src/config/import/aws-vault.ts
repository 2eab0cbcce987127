import type { AwsProfile, AwsProfiles, PlacedSetting } from "./aws-profiles.js";

/** What aws-vault takes over from the profile that `include_profile` names, where the profile says nothing itself. */
const INCLUDED: readonly string[] = [
  ...["mfa_serial", "role_arn", "external_id", "region", "role_session_name", "duration_seconds", "source_profile"],
  ...["sso_session", "sso_start_url", "sso_region", "sso_account_id", "sso_role_name", "web_identity_token_file"],
  ...["source_identity", "credential_process", "mfa_process", "session_tags", "transitive_session_tags"],
];

/** The profiles with what aws-vault alone understands written out: `include_profile`, and a role that its own key signs for. */
export function asAwsVaultReads(aws: AwsProfiles): AwsProfiles {
  const profiles = [...aws.profiles].map(
    ([name, profile]) => [name, signedByItself(withIncluded(profile, aws))] as const,
  );
  return { ...aws, profiles: new Map(profiles) };
}

function withIncluded(profile: AwsProfile, { profiles }: AwsProfiles): AwsProfile {
  const names = namesIncluded(profile, profiles);
  if (names.length === 0) return profile;
  const settings = new Map(profile.settings);
  for (const [name, setting] of names.flatMap((included) => [...(profiles.get(included)?.settings ?? [])])) {
    if (INCLUDED.includes(name) && !settings.has(name)) settings.set(name, setting);
  }
  settings.delete("include_profile");
  const own = profile.all.filter(({ name }) => name !== "include_profile");
  const included = [...settings.values()].filter((setting) => !own.includes(setting));
  return { ...profile, settings, all: [...own, ...included] };
}

/** In the order in which each names the next; a circle ends where it closes. */
function namesIncluded(profile: AwsProfile, profiles: AwsProfiles["profiles"]): readonly string[] {
  const nextOf = (one: AwsProfile | undefined): string | undefined => one?.settings.get("include_profile")?.value;
  const names: string[] = [];
  let next = nextOf(profile);
  while (next !== undefined && next !== profile.name && !names.includes(next)) {
    names.push(next);
    next = nextOf(profiles.get(next));
  }
  return names;
}

/** A key of the same name in the keyring signs for a role_arn without source_profile. */
function signedByItself(profile: AwsProfile): AwsProfile {
  const { name, settings } = profile;
  const key = settings.get("aws_access_key_id");
  const needsSigner =
    settings.has("role_arn") && !["source_profile", "credential_source"].some((one) => settings.has(one));
  if (!key || !needsSigner) return profile;
  const signer: PlacedSetting = { ...key, name: "source_profile", value: name };
  return { ...profile, settings: new Map(settings).set("source_profile", signer), all: [...profile.all, signer] };
}
