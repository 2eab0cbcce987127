import type { AwsProfile, AwsProfiles } from "./aws-profiles.js";
import { importNames } from "./import-names.js";
import type { ExistingEntries, ImportSources, MutableEntry, SourceDraft } from "./import-sources.js";
import { type AssumeFrom, isHeldAtMost, ownKeys, type ProfileKind, profileKind } from "./profile-kind.js";
import { leftOutNotes } from "./profile-settings.js";
import { noteMfa, roleFields } from "./role-fields.js";

/** What one profile becomes. */
export interface ProfileDraft {
  readonly profile: AwsProfile;
  /** Of the role. */
  readonly name: string;
  readonly kind: ProfileKind;
  /** Absent: it cannot be taken; `refusal` says why. */
  role?: MutableEntry | undefined;
  refusal?: string | undefined;
  /** Its role is in the config already, and is another one. */
  isConflict?: boolean;
  readonly notes: string[];
}

export interface RolesWorld {
  readonly aws: AwsProfiles;
  readonly sources: ImportSources;
  readonly existing: { readonly sources: ExistingEntries; readonly roles: ExistingEntries };
}

/** Role names by profile, over all profiles: they do not depend on which are taken. */
function roleNames({ profiles }: AwsProfiles): ReadonlyMap<string, string> {
  const names = importNames([...profiles.keys()]);
  return new Map([...profiles.keys()].map((profile, index) => [profile, names[index] ?? profile]));
}

/** The chosen profiles and those that sign for them, in the order of the files. */
export function withSigners(aws: AwsProfiles, chosen: ReadonlySet<string>): ReadonlySet<string> {
  const taken = new Set<string>();
  const open = [...chosen];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const profile = aws.profiles.get(name);
    if (!profile || taken.has(name)) continue;
    taken.add(name);
    const kind = profileKind(profile, aws.ssoSessions);
    if (kind.kind === "assume" && "profile" in kind.from) open.push(kind.from.profile);
  }
  return new Set([...aws.profiles.keys()].filter((name) => taken.has(name)));
}

/** Drafts the roles of these profiles, and in `sources` what they need. */
export function draftRoles(chosen: ReadonlySet<string>, world: RolesWorld): ProfileDraft[] {
  const names = roleNames(world.aws);
  return [...chosen].flatMap((name) => {
    const profile = world.aws.profiles.get(name);
    if (!profile) return [];
    const kind = profileKind(profile, world.aws.ssoSessions);
    const draft: ProfileDraft = { profile, name: names.get(name) ?? name, kind, notes: [] };
    const origins = { ...world, names, chosen };
    const origin = (isHeldAtMost(kind) ? importedBefore(profile, origins) : undefined) ?? originOf(draft, origins);
    if ("refusal" in origin) draft.refusal = origin.refusal;
    else draft.role = { ...origin, ...roleFields(draft) };
    return [draft];
  });
}

/** Adds to each draft that is taken what of its profile is not; once all sources are known. */
export function noteLeftOut(drafts: readonly ProfileDraft[], sources: ImportSources): void {
  const keys = new Set([...sources.drafts.values()].map(({ key }) => key?.accessKeyId));
  for (const { profile, kind, role, notes } of drafts) {
    const own = ownKeys(profile);
    const isSigner = own?.kind === "keys" && keys.has(own.accessKeyId);
    if (role) notes.push(...leftOutNotes(profile, kind, isSigner));
  }
}

interface World extends RolesWorld {
  readonly names: ReadonlyMap<string, string>;
  readonly chosen: ReadonlySet<string>;
}

type Origin = { readonly source: string } | { readonly source_role: string } | { readonly refusal: string };

function originOf(draft: ProfileDraft, world: World): Origin {
  const { profile, kind } = draft;
  const { sources } = world;
  switch (kind.kind) {
    case "refused":
      return { refusal: kind.why };
    case "none":
      return { refusal: whyNone(profile) };
    case "assume":
      return assumeOrigin(draft, kind.from, world);
    case "sso":
      return { source: sources.sso(kind.session).name };
    case "keys":
    case "web_identity":
    case "process":
    case "console_login":
    case "profile":
      return { source: ownSource(draft, kind, sources).name };
  }
}

function assumeOrigin(draft: ProfileDraft, from: AssumeFrom, world: World): Origin {
  if ("machine" in from) return { source: world.sources.machine(from.machine).name };
  const signer = world.aws.profiles.get(from.profile);
  if (!signer) return { refusal: `its source_profile ${from.profile} is in none of the files` };
  if (world.chosen.has(from.profile)) return signerOf(draft, signer, world);
  return { refusal: `its source_profile ${from.profile} is taken only when it is named as well` };
}

type OwnKind = Extract<
  ProfileKind,
  { readonly kind: "keys" | "web_identity" | "process" | "console_login" | "profile" }
>;

function ownSource({ profile, notes }: ProfileDraft, kind: OwnKind, sources: ImportSources): SourceDraft {
  switch (kind.kind) {
    case "keys": {
      const source = sources.keys(profile, kind);
      noteMfa(profile, source, notes);
      notes.push("served from GetSessionToken, with which AWS refuses IAM and most of STS");
      return source;
    }
    case "web_identity":
      return sources.own(profile, { type: "web_identity", web_identity_token_file: kind.tokenFile });
    case "process":
      notes.push(`runs ${kind.command}`);
      return sources.own(profile, { type: "process", credential_process: kind.command });
    case "console_login": {
      const source = sources.own(profile, {
        ...{ type: "console_login", login_session: kind.loginSession },
        ...regionIn(profile),
      });
      notes.push(
        `logs in by itself, as \`aws login\` does, whose login stays as it is: brokerctl login ${source.name}`,
      );
      return source;
    }
    case "profile":
      notes.push(`read by the AWS SDK each time: ${kind.because}`);
      return sources.own(profile, { type: "profile", profile: profile.name });
  }
}

/** Where `aws login` logs in: which a profile without one does not say. */
function regionIn({ settings }: AwsProfile): { readonly region?: string } {
  const region = settings.get("region")?.value;
  return region === undefined ? {} : { region };
}

/** As the AWS CLI does: a `source_profile` with a key of its own signs with that, whatever else it is. */
function signerOf(draft: ProfileDraft, profile: AwsProfile, world: World): Origin {
  const signer = profile.name;
  const own = ownKeys(profile);
  if (own?.kind === "keys") return keySigner(draft, world.sources.keys(profile, own), { signer, world });
  const kind = own?.kind === "profile" ? own : profileKind(profile, world.aws.ssoSessions);
  if (isHeldAtMost(kind) || signer === draft.profile.name) return heldSigner(draft, profile, world);
  if (draft.profile.settings.has("mfa_serial")) {
    draft.notes.push("mfa_serial is left out: only an access key can show MFA");
  }
  const name = world.names.get(signer) ?? signer;
  return signerWithoutKey({ profile, kind, name, notes: [] }, world.sources);
}

function keySigner(
  { profile, notes }: ProfileDraft,
  source: SourceDraft,
  { signer, world }: { readonly signer: string; readonly world: World },
): Origin {
  noteMfa(profile, source, notes);
  if (source.name !== world.sources.nameOf(signer)) notes.push(`${signer} has the key of source ${source.name}`);
  return { source: source.name };
}

/** What signs by itself is the source; what is a role of its own is chained from. */
function signerWithoutKey(signer: ProfileDraft, sources: ImportSources): Origin {
  const { kind } = signer;
  if (kind.kind !== "process" && kind.kind !== "profile" && kind.kind !== "console_login")
    return { source_role: signer.name };
  return { source: ownSource(signer, kind, sources).name };
}

function heldSigner(draft: ProfileDraft, signer: AwsProfile, world: World): Origin {
  const held = importedBefore(signer, world);
  if (!held || !("source" in held)) return { refusal: `its source_profile ${signer.name} has no credentials` };
  const entry = world.existing.sources[held.source] as MutableEntry | undefined;
  const mfa = draft.profile.settings.get("mfa_serial")?.value;
  if (mfa !== undefined && entry?.["mfa_serial"] === undefined) {
    draft.notes.push(`its mfa_serial is not in source ${held.source}, which is in the config already`);
  }
  return held;
}

/** The key went into the secret store with an earlier import, and is no longer in the AWS files. */
function importedBefore({ name }: AwsProfile, { sources, names, existing }: World): Origin | undefined {
  const role = entryOf(existing.roles, names.get(name) ?? name);
  const bare = role?.["role_arn"] === undefined ? role?.["source"] : undefined;
  const source = typeof bare === "string" ? bare : sources.nameOf(name);
  return entryOf(existing.sources, source)?.["type"] === "keys" ? { source } : undefined;
}

function entryOf(entries: ExistingEntries, name: string): MutableEntry | undefined {
  const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
  return typeof entry === "object" && entry !== null ? (entry as MutableEntry) : undefined;
}

function whyNone({ settings }: AwsProfile): string {
  const session = settings.get("sso_session")?.value;
  if (session !== undefined) {
    return `names no account and permission set: brokerctl sso roles shows those of ${session}`;
  }
  const isOfVault = settings.has("mfa_serial") || settings.has("mfa_process");
  const vault = isOfVault ? "; a key that aws-vault keeps is added with brokerctl source add NAME --type keys" : "";
  return `holds no credentials${vault}`;
}
