import { type AwsIni, type IniSetting, nameInHeading, readAwsIni } from "../../core/aws-ini.js";
import { isCredentialSetting, isHarmlessBlock, isKeySetting, keyFinder, variablesOf } from "./aws-settings.js";

/** The texts of `~/.aws/config` and `credentials`; empty where there is none. */
export interface AwsTexts {
  readonly config: string;
  readonly credentials: string;
}

export interface NeutralConfig {
  /** In place of the config. */
  readonly text: string;
  /** What `[default]` said, where it could be said without one. */
  readonly variables: Readonly<Record<string, string>>;
}

/**
 * Written anew from what is known to be harmless: nothing of it can be read differently by different programs. Of the
 * default profile that is all that has nothing to do with credentials; while a `[default]` is there at all, osls goes no
 * further, so it is left out where variables can say the same. Named profiles stay whole, so that a program that names one gets
 * it, or go whole where a key is in them: what is left would silently speak for the broker's role.
 */
export function neutralConfig(texts: AwsTexts): NeutralConfig {
  const groups = groupsOf(readAwsIni(texts.config));
  const isKey = keyFinder([texts.config, texts.credentials]);
  const withKeys = profilesWithKeys(groups, readAwsIni(texts.credentials));
  const copies = groups.filter(({ name }) => !isKey(name)).map((group) => copyOf(group, { isKey, withKeys }));
  return {
    text: copies.map(({ text }) => text).join(""),
    variables: Object.assign({}, ...copies.map(({ variables }) => variables)) as NeutralConfig["variables"],
  };
}

interface Keys {
  readonly isKey: (text: string) => boolean;
  /** Names of profiles. */
  readonly withKeys: ReadonlySet<string>;
}

function copyOf({ kind, name, settings }: Group, { isKey, withKeys }: Keys): NeutralConfig {
  const all = [...settings.values()];
  const kept = all.filter((setting) => isCopyable(setting, isKey));
  const none: NeutralConfig = { text: "", variables: {} };
  switch (kind) {
    case "default": {
      const harmless = kept.filter(isHarmless);
      const variables = variablesInstead(harmless);
      return variables ? { text: "", variables } : { ...none, text: render(kind, harmless) };
    }
    case "profile": {
      const isWhole = all.every((setting) => !isCredentialSetting(setting.name) || kept.includes(setting));
      if (!isWhole || withKeys.has(name)) return none;
      const wanted = kept.filter((setting) => isHarmless(setting) || isCredentialSetting(setting.name));
      return { ...none, text: render(headingOf(kind, name), wanted) };
    }
    case "sso-session":
      return { ...none, text: render(headingOf(kind, name), kept.filter(isOfSession)) };
    case "services":
      return { ...none, text: render(headingOf(kind, name), kept) };
    case "plugins":
    case "preview":
      return { ...none, text: render(kind, kept) };
  }
}

type Kind = "default" | "profile" | "sso-session" | "services" | "plugins" | "preview";

interface Group {
  readonly kind: Kind;
  readonly name: string;
  /** Of several of one name the last. */
  readonly settings: Map<string, IniSetting>;
}

/** Sections of one meaning together, in the order of their first; what means nothing to AWS is left out. */
function groupsOf({ sections }: AwsIni): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const section of sections) {
    const meaning = meaningOf(section.name);
    if (!meaning) continue;
    const id = meaning.join(" ");
    const group = groups.get(id) ?? { kind: meaning[0], name: meaning[1], settings: new Map<string, IniSetting>() };
    groups.set(id, group);
    for (const setting of section.settings) group.settings.set(setting.name, setting);
  }
  return [...groups.values()];
}

function meaningOf(heading: string): readonly [Kind, string] | undefined {
  if (unquoted(heading) === "default") return ["default", "default"];
  for (const kind of ["profile", "sso-session", "services"] as const) {
    const name = nameInHeading(heading, kind);
    if (name === "default" && kind === "profile") return [name, name];
    if (name !== undefined) return [kind, name];
  }
  return heading === "plugins" || heading === "preview" ? [heading, heading] : undefined;
}

function profilesWithKeys(groups: readonly Group[], credentials: AwsIni): ReadonlySet<string> {
  const sections = [
    ...groups.map(({ name, settings }) => ({ name, settings: [...settings.values()] })),
    ...credentials.sections.map(({ name, settings }) => ({ name: unquoted(name), settings })),
  ];
  return new Set(sections.filter(({ settings }) => settings.some(holdsKey)).map(({ name }) => name));
}

/** Also where it is indented too deep: some SDKs read it all the same. */
function holdsKey({ name, value, nested }: IniSetting): boolean {
  const lines = value.split("\n").map((line) => /^\s*(\w+)\s*[=:]/.exec(line)?.[1] ?? "");
  return [name, ...lines, ...nested.map((it) => it.name)].some((each) => isKeySetting(each.toLowerCase()));
}

const PLAIN_TEXT = /^[^\p{Cc}\p{Zl}\p{Zp}]*$/u;

/** In one line, of one meaning to all, and without a key. */
function isCopyable(setting: IniSetting, isKey: (text: string) => boolean): boolean {
  const { name, value, nested, hasRemark } = setting;
  // Behind ` ;` a process may go on for the AWS CLI, and not for the SDKs.
  if (hasRemark && name === "credential_process") return false;
  const texts = [name, value, ...nested.flatMap((it) => [it.name, it.value])];
  if (!texts.every((text) => PLAIN_TEXT.test(text) && !isKey(text))) return false;
  return /^[\w.-]+$/.test(name) && nested.every((it) => /^[\w.-]+$/.test(it.name) && !isCredentialSetting(it.name));
}

function isOfSession({ name }: IniSetting): boolean {
  return isCredentialSetting(name) && name.startsWith("sso_");
}

function isHarmless({ name, nested }: IniSetting): boolean {
  return nested.length > 0 ? isHarmlessBlock(name) : variablesOf(name) !== undefined;
}

/** Undefined: for some of them there is no variable. */
function variablesInstead(settings: readonly IniSetting[]): Readonly<Record<string, string>> | undefined {
  const variables: [string, string][] = [];
  for (const { name, value } of settings) {
    const names = variablesOf(name) ?? [];
    if (names.length === 0) return undefined;
    // An empty value means something to `cli_pager` only.
    if (value !== "" || name === "cli_pager") variables.push(...names.map((each) => [each, value] as [string, string]));
  }
  return Object.fromEntries(variables);
}

/** A name that every reader of headings takes for the same; undefined: there is no such spelling. */
function headingOf(kind: Kind, name: string): string | undefined {
  if (/^[\w@+.%:/-]+$/.test(name)) return `${kind} ${name}`;
  return /["'\\[\]#;]/.test(name) || !PLAIN_TEXT.test(name) ? undefined : `${kind} "${name}"`;
}

function render(heading: string | undefined, settings: readonly IniSetting[]): string {
  if (heading === undefined) return "";
  const lines = settings.map(({ name, value, nested }) => {
    const block = nested.map((it) => `  ${it.name} = ${it.value}\n`).join("");
    return `${`${name} = ${value}`.trimEnd()}\n${block}`;
  });
  return `[${heading}]\n${lines.join("")}`;
}

function unquoted(name: string): string {
  return /^(["'])(.+)\1$/.exec(name)?.[2]?.trim() ?? name;
}
