import type { Secret } from "../../core/secret.js";
import { canonicalStartUrl } from "../../core/start-url.js";
import { partitionOfRegion } from "../partition.js";
import type { AwsProfile, AwsProfiles } from "./aws-profiles.js";
import { importNames } from "./import-names.js";
import type { ProfileKind, SsoSessionFields } from "./profile-kind.js";

export type MutableEntry = Record<string, unknown>;

/** What our `sso` sources ask for anyway. */
const DEFAULT_SCOPE = "sso:account:access";

/** The entries of a section of the config that is there, as plain YAML values. */
export type ExistingEntries = Readonly<Record<string, unknown>>;

/** A source that profiles need. */
export interface SourceDraft {
  readonly name: string;
  entry: MutableEntry;
  /** The profile that describes it, where only one does. */
  readonly profile?: string;
  readonly notes: string[];
  /** It is in the config already and stays as it is there. */
  readonly isFixed?: boolean;
  /** The access key that belongs into the secret store for it. */
  key?: { readonly accessKeyId: string; readonly secretAccessKey: Secret };
}

export interface SourcesWorld {
  readonly aws: AwsProfiles;
  readonly existing: ExistingEntries;
  /** Of the secret store: access key id → source. */
  readonly heldKeys: ReadonlyMap<string, string>;
}

type KeysKind = Extract<ProfileKind, { readonly kind: "keys" }>;

/** Makes the sources of an import: each when it is first needed, shared by all that need the same. */
export class ImportSources {
  readonly drafts = new Map<string, SourceDraft>();
  readonly #world: SourcesWorld;
  readonly #names: ReadonlyMap<string, string>;
  /** Access key id and secret → source. */
  readonly #keys = new Map<string, string>();

  /** What a source says → the sources that say it, of the config and of this import. */
  readonly #known = new Map<string, readonly string[]>();
  /** `[sso-session]` → source. */
  readonly #sessions = new Map<string, string>();

  constructor(world: SourcesWorld) {
    this.#world = world;
    this.#names = sourceNames(world.aws);
    for (const [name, entry] of Object.entries(world.existing)) {
      const content = contentOf(entry as MutableEntry);
      this.#known.set(content, [...(this.#known.get(content) ?? []), name]);
    }
  }

  /** What a source made of this profile is called. */
  nameOf(profile: string): string {
    return this.#names.get(`profile ${profile}`) ?? profile;
  }

  nameOfSession(session: string): string {
    return this.#names.get(`sso-session ${session}`) ?? session;
  }

  /** The source that an `[sso-session]` became; undefined: none was made of it. */
  sessionSource(session: string): string | undefined {
    return this.#sessions.get(session);
  }

  /** The sources that `[sso-session]`s became. */
  sessions(): readonly string[] {
    return [...this.#sessions.values()];
  }

  /** The same key in two profiles, or in the store already, is one source: rotating it twice would break one of them. */
  keys(profile: AwsProfile, { accessKeyId, secretAccessKey }: KeysKind): SourceDraft {
    const whole = `${accessKeyId} ${secretAccessKey.reveal()}`;
    const name = this.#keys.get(whole) ?? this.#heldIn(accessKeyId) ?? this.nameOf(profile.name);
    this.#keys.set(whole, name);
    const existing = Object.hasOwn(this.#world.existing, name) ? this.#world.existing[name] : undefined;
    const isFixed = (existing as MutableEntry | undefined)?.["type"] === "keys";
    const entry = isFixed ? { ...(existing as MutableEntry) } : { type: "keys", ...foreignRegion(profile) };
    const draft = this.#draft({ name, entry, isFixed });
    draft.key ??= { accessKeyId, secretAccessKey };
    return draft;
  }

  sso(session: SsoSessionFields): SourceDraft {
    const entry: MutableEntry = { type: "sso", sso_start_url: session.startUrl, sso_region: session.region };
    const { scopes } = session;
    if (scopes.some((scope) => scope !== DEFAULT_SCOPE)) entry["sso_registration_scopes"] = scopes;
    const name = session.name ?? this.#sessionOf(session);
    const label = name === undefined ? legacyLabel(session) : `sso-session ${name}`;
    const draft = this.#shared({ label, entry });
    if (session.name !== undefined) this.#sessions.set(session.name, draft.name);
    return draft;
  }

  machine(type: "instance_metadata" | "container"): SourceDraft {
    return this.#shared({ label: type, entry: { type } });
  }

  /** A source that only this profile describes: `web_identity`, `process`, `profile`. */
  own(profile: AwsProfile, entry: MutableEntry): SourceDraft {
    const { name } = profile;
    return this.#shared({ label: `profile ${name}`, entry: { ...entry, ...foreignRegion(profile) }, profile: name });
  }

  /** One that says the same is taken, whatever it is called. */
  #shared({ label, entry, ...more }: Pick<SourceDraft, "entry" | "profile"> & { readonly label: string }): SourceDraft {
    const content = contentOf(entry);
    const own = this.#names.get(label) ?? label;
    const known = this.#known.get(content) ?? [];
    const name = known.length === 0 || known.includes(own) ? own : (known[0] ?? own);
    this.#known.set(content, [name]);
    return this.#draft({ name, entry, ...more });
  }

  /** A profile without sso_session logs in where an `[sso-session]` of the same portal does. */
  #sessionOf({ startUrl, region }: SsoSessionFields): string | undefined {
    for (const [name, settings] of this.#world.aws.ssoSessions) {
      const url = settings.get("sso_start_url")?.value;
      const same = url !== undefined && canonicalStartUrl(url) === startUrl;
      const scopes = settings.get("sso_registration_scopes")?.value ?? DEFAULT_SCOPE;
      const isOfRegion = settings.get("sso_region")?.value === region;
      if (same && isOfRegion && scopes === DEFAULT_SCOPE) return name;
    }
    return undefined;
  }

  #draft(draft: Omit<SourceDraft, "notes">): SourceDraft {
    const made = this.drafts.get(draft.name) ?? { ...draft, notes: [] };
    this.drafts.set(draft.name, made);
    return made;
  }

  #heldIn(accessKeyId: string): string | undefined {
    const source = this.#world.heldKeys.get(accessKeyId);
    const entry = source === undefined ? undefined : this.#world.existing[source];
    return (entry as MutableEntry | undefined)?.["type"] === "keys" ? source : undefined;
  }
}

/** The order of its fields does not count. */
function contentOf(entry: MutableEntry): string {
  return JSON.stringify(Object.entries(comparable(entry)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The entry of a source with what means the same written the same. */
export function comparable(entry: MutableEntry): MutableEntry {
  const { type, sso_start_url: url } = entry;
  return type === "sso" && typeof url === "string" ? { ...entry, sso_start_url: canonicalStartUrl(url) } : entry;
}

/** By what they are made of: `sso-session corp`, `profile dev`, … Every profile has one kept for it, used or not. */
function sourceNames({ profiles, ssoSessions }: AwsProfiles): ReadonlyMap<string, string> {
  const wanted = new Map<string, string>();
  for (const name of ssoSessions.keys()) wanted.set(`sso-session ${name}`, name);
  for (const name of profiles.keys()) wanted.set(`profile ${name}`, name);
  for (const { settings } of profiles.values()) {
    const startUrl = (settings.get("sso_start_url") ?? settings.get("granted_sso_start_url"))?.value;
    const region = (settings.get("sso_region") ?? settings.get("granted_sso_region"))?.value;
    if (startUrl === undefined || region === undefined) continue;
    const portal = { startUrl: canonicalStartUrl(startUrl), region };
    wanted.set(legacyLabel(portal), portalName(portal.startUrl));
  }
  wanted.set("instance_metadata", "instance-metadata").set("container", "container");
  const names = importNames([...wanted.values()]);
  return new Map([...wanted.keys()].map((label, index) => [label, names[index] ?? label]));
}

function legacyLabel({ startUrl, region }: Pick<SsoSessionFields, "startUrl" | "region">): string {
  return `portal ${startUrl} ${region}`;
}

/** `https://corp.awsapps.com/start` → `corp`. */
export function portalName(startUrl: string): string {
  const [, host = "sso", path = ""] = /^https?:\/\/([^/:]+)[^/]*\/?([^/#?]*)/.exec(startUrl) ?? [];
  return host.endsWith(".amazonaws.com") && path !== "" ? path : (host.split(".")[0] ?? host);
}

/** Outside of the partition `aws` nothing else may tell where the credentials belong. */
function foreignRegion({ settings }: AwsProfile): { region?: string } {
  const region = settings.get("region")?.value;
  const partition = partitionOfRegion(region);
  return region !== undefined && partition !== undefined && partition !== "aws" ? { region } : {};
}
