import type { AwsFileName, ProcessLine, TextSpan } from "../../core/aws-import.js";
import type { Secret } from "../../core/secret.js";
import type { AwsProfile, AwsProfiles, PlacedSetting } from "./aws-profiles.js";
import type { ProfileDraft } from "./import-roles.js";
import type { SourceDraft } from "./import-sources.js";
import type { ImportDrafts } from "./settle-import.js";

/** A long-term key for the secret store. */
export interface ImportedKey {
  readonly source: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  /** Where it stands in the AWS files. */
  readonly places: readonly KeyPlace[];
  /** Profiles that give no credentials without it, and those that they sign for: what `--profile` does not serve once it is cut out. */
  readonly breaks: readonly string[];
  /** The credential_process lines that serve them instead. */
  readonly lines: readonly ProcessLine[];
  readonly isReplaceable: boolean;
}

interface KeyPlace extends TextSpan {
  readonly file: AwsFileName;
}

type Key = NonNullable<SourceDraft["key"]>;

/** The keys of an import, each with where it stands and what depends on it there. */
export function importedKeys({ sources, profiles }: ImportDrafts, aws: AwsProfiles): ImportedKey[] {
  return [...sources.values()].flatMap(({ name, key }) => {
    if (!key) return [];
    const holders = profiles.filter(({ profile }) => keySettings(profile, key).length > 0);
    const places = holders.flatMap((draft) => placesOf(draft, name, key));
    const lines = places.flatMap(({ profile, place: { file, role } }) =>
      role === undefined ? [] : [{ profile, file, role }],
    );
    const nothingElse = holders.filter(({ kind }) => kind.kind === "keys").map(({ profile }) => profile.name);
    const signing = holders.map(({ profile }) => profile.name);
    const breaks = [...new Set([...nothingElse, ...signedBy(signing, aws)])];
    const isReplaceable = holders.every((holder) => isServed(holder) || !isInForce(holder, aws));
    return [{ source: name, ...key, places: places.map(({ place }) => place), breaks, lines, isReplaceable }];
  });
}

/** By a line in the place of its key. Where something else of the profile decides, such as a role that it assumes with its own key, no line does. */
function isServed({ kind, role }: ProfileDraft): boolean {
  return kind.kind === "keys" && role !== undefined;
}

/** Its key signs for itself, or for a profile that names it. */
function isInForce({ kind, profile }: ProfileDraft, aws: AwsProfiles): boolean {
  return kind.kind === "keys" || signedBy([profile.name], aws).length > 0;
}

function placesOf(
  draft: ProfileDraft,
  source: string,
  key: Key,
): { readonly profile: string; readonly place: KeyPlace }[] {
  const { profile } = draft;
  const settings = keySettings(profile, key);
  const at = isServed(draft) ? settings[0] : undefined;
  return settings.map((setting) => {
    const { file, start, end } = setting;
    const place = { file, start, end, source, ...(setting === at && { role: draft.name }) };
    return { profile: profile.name, place };
  });
}

/** Where a section of the profile has this key whole; half of it is half of another. Ids first. */
function keySettings({ all }: AwsProfile, key: Key): PlacedSetting[] {
  const secret = key.secretAccessKey.reveal();
  const ids = all.filter(({ name, value }) => name === "aws_access_key_id" && value === key.accessKeyId);
  const secrets = all.filter(({ name, value }) => name === "aws_secret_access_key" && value === secret);
  const sectionsOf = (settings: readonly PlacedSetting[]): Set<unknown> =>
    new Set(settings.map(({ section }) => section));
  const [withId, withSecret] = [sectionsOf(ids), sectionsOf(secrets)];
  return [...ids, ...secrets].filter(({ section }) => withId.has(section) && withSecret.has(section));
}

/** Every profile whose `source_profile` leads to one of these, one that names itself too. */
function signedBy(signers: readonly string[], { profiles }: AwsProfiles): readonly string[] {
  const behind = new Map<string, string[]>();
  for (const { name, settings } of profiles.values()) {
    const signer = settings.has("role_arn") ? settings.get("source_profile")?.value : undefined;
    if (signer !== undefined) behind.set(signer, [...(behind.get(signer) ?? []), name]);
  }
  const found = new Set<string>();
  const open = [...signers];
  for (let signer = open.pop(); signer !== undefined; signer = open.pop()) {
    for (const name of behind.get(signer) ?? []) {
      if (found.has(name)) continue;
      found.add(name);
      open.push(name);
    }
  }
  return [...found];
}
