import type { AwsFileName, AwsFiles, FileText } from "../../core/aws-import.js";
import { type AwsIni, type IniSection, type IniSetting, nameInHeading, readAwsIni } from "../../core/aws-ini.js";

/** A setting and where it stands. */
export interface PlacedSetting extends IniSetting {
  readonly file: AwsFileName;
  /** The same for the settings of one section, and for no other's. */
  readonly section: IniSection;
}

export type Settings = ReadonlyMap<string, PlacedSetting>;

export interface AwsProfile {
  readonly name: string;
  /** Those in force: of several the last one, and the credentials file before the config. */
  readonly settings: Settings;
  /** Every one that stands anywhere, also those without effect. */
  readonly all: readonly PlacedSetting[];
}

/** What the two files say together. */
export interface AwsProfiles {
  /** In the order of the files, the config first. */
  readonly profiles: ReadonlyMap<string, AwsProfile>;
  readonly ssoSessions: ReadonlyMap<string, Settings>;
  /** Sections and lines that are no profile though they look like one, and why. */
  readonly oddities: readonly { readonly what: string; readonly why: string }[];
  /** Of `profile NAME` and `sso-session NAME`: what stands there twice. */
  readonly duplicates: ReadonlyMap<string, readonly string[]>;
}

/** Names with a meaning to JavaScript objects: CVE-2020-28472 came of accepting them from these very files. */
const FORBIDDEN_NAMES: readonly string[] = ["__proto__", "constructor", "prototype"];
/** Sections of the config that hold no profile, and of which nothing is wanted. */
const OTHER_SECTIONS = /^(?:services\s.*|plugins|preview)$/;

/** Joins the two files into profiles and SSO sessions, as the AWS CLI and the SDKs do. */
export function readAwsProfiles({ config, credentials }: AwsFiles): AwsProfiles {
  const found: Found = { profiles: new Map(), ssoSessions: new Map(), oddities: [], duplicates: new Map() };
  if (config) readConfigFile(config, found);
  if (credentials) readCredentialsFile(credentials, found);
  return {
    profiles: new Map([...found.profiles].map(([name, all]) => [name, { name, all, settings: inForce(all) }])),
    ssoSessions: new Map([...found.ssoSessions].map(([name, all]) => [name, inForce(all)])),
    oddities: found.oddities,
    duplicates: found.duplicates,
  };
}

interface Found {
  readonly profiles: Map<string, PlacedSetting[]>;
  readonly ssoSessions: Map<string, PlacedSetting[]>;
  readonly oddities: { what: string; why: string }[];
  readonly duplicates: Map<string, string[]>;
}

function readConfigFile(file: FileText, found: Found): void {
  const ini = readAwsIni(file.text);
  const hasLongDefault = ini.sections.some(({ name }) => nameInHeading(name, "profile") === "default");
  for (const section of ini.sections) {
    const profile = section.name === "default" ? "default" : nameInHeading(section.name, "profile");
    const session = nameInHeading(section.name, "sso-session");
    if (section.name === "default" && hasLongDefault) {
      found.oddities.push({ what: "[default]", why: `[profile default] in ${file.path} takes its place` });
    } else if (profile !== undefined) add(found.profiles, { name: profile, section, file: "config" }, found);
    else if (session !== undefined) add(found.ssoSessions, { name: session, section, file: "config" }, found);
    else if (!OTHER_SECTIONS.test(section.name)) {
      const why = `no profile to AWS: in ${file.path} a profile is written [profile ${section.name}]`;
      found.oddities.push({ what: `[${section.name}]`, why });
    }
  }
  sayStrangeLines(ini, file, found);
  sayDuplicates(ini, { file, found, ownerOf: ownerInConfig });
}

function readCredentialsFile(file: FileText, found: Found): void {
  const ini = readAwsIni(file.text);
  for (const section of ini.sections) {
    const meant = nameInHeading(section.name, "profile");
    if (meant === undefined) add(found.profiles, { name: section.name, section, file: "credentials" }, found);
    else {
      const why = `no profile to AWS: in ${file.path} it is written [${meant}]`;
      found.oddities.push({ what: `[${section.name}]`, why });
    }
  }
  sayStrangeLines(ini, file, found);
  sayDuplicates(ini, { file, found, ownerOf: (heading) => `profile ${heading}` });
}

function ownerInConfig(heading: string): string | undefined {
  const profile = heading === "default" ? heading : nameInHeading(heading, "profile");
  if (profile !== undefined) return `profile ${profile}`;
  const session = nameInHeading(heading, "sso-session");
  return session === undefined ? undefined : `sso-session ${session}`;
}

interface DuplicateSearch {
  readonly file: FileText;
  readonly found: Found;
  /** The profile whose item of the import tells of it; undefined: none does. */
  readonly ownerOf: (heading: string) => string | undefined;
}

/** configparser is strict: with one of these the AWS CLI has no profile at all. */
function sayDuplicates({ sections }: AwsIni, { file, found, ownerOf }: DuplicateSearch): void {
  const tell = (heading: string, what: string, lines: readonly number[]): void => {
    const why = `in ${file.path} more than once (lines ${lines.join(", ")}): the AWS CLI refuses the whole file`;
    const owner = ownerOf(heading);
    if (owner === undefined) found.oddities.push({ what, why: `stands ${why}` });
    else found.duplicates.set(owner, [...(found.duplicates.get(owner) ?? []), `${what} stands ${why}`]);
  };
  for (const [heading, those] of grouped(sections)) {
    if (those.length > 1)
      tell(
        heading,
        `[${heading}]`,
        those.map(({ line }) => line),
      );
  }
  for (const section of sections) {
    for (const [name, those] of grouped(section.settings)) {
      if (those.length > 1)
        tell(
          section.name,
          name,
          those.map(({ line }) => line),
        );
    }
  }
}

function grouped<Named extends { readonly name: string }>(all: readonly Named[]): Map<string, Named[]> {
  const groups = new Map<string, Named[]>();
  for (const each of all) groups.set(each.name, [...(groups.get(each.name) ?? []), each]);
  return groups;
}

interface NamedSection {
  readonly name: string;
  readonly section: IniSection;
  readonly file: AwsFileName;
}

function add(into: Map<string, PlacedSetting[]>, { name, section, file }: NamedSection, { oddities }: Found): void {
  if (FORBIDDEN_NAMES.includes(name) || /\p{Cc}/u.test(name)) {
    oddities.push({ what: `[${section.name}]`, why: "a name that programs have been attacked with; rename it" });
    return;
  }
  const settings = into.get(name) ?? [];
  into.set(name, settings);
  for (const setting of section.settings) settings.push({ ...setting, file, section });
}

/** An empty value counts as none. */
function inForce(all: readonly PlacedSetting[]): Settings {
  return new Map(all.filter(({ value }) => value !== "").map((setting) => [setting.name, setting]));
}

/** Never quoted: half a key may stand there. */
function sayStrangeLines({ strangeLines }: AwsIni, { path }: FileText, { oddities }: Found): void {
  if (strangeLines.length === 0) return;
  const shown = strangeLines.slice(0, 5).join(", ");
  const lines = `${strangeLines.length > 1 ? "lines" : "line"} ${shown}${strangeLines.length > 5 ? ", …" : ""}`;
  oddities.push({ what: lines, why: `of ${path}: neither [section] nor name = value` });
}
