import { readAwsIni } from "../../../core/aws-ini.js";
import { whyAwsCliStops } from "../../aws-files/aws-settings.js";

/** Sections by name as a reader has them, each with its settings. */
export type Sections = ReadonlyMap<string, ReadonlyMap<string, string>>;

/** What one family of SDKs reads in an AWS file. */
export interface IniReading {
  readonly sections: Sections;
  /** Why the family refuses the file as a whole; reads on after the path and "which". */
  readonly broken?: string;
}

export type IniDialect = (text: string) => IniReading;

type Draft = Map<string, Map<string, string>>;

/** Python's configparser, strict, as botocore uses it. */
export const pythonIni: IniDialect = (text) => {
  const broken = whyPythonStops(text);
  if (broken !== undefined) return { sections: new Map(), broken };
  const read = readAwsIni(text).sections;
  const lent = read.filter(({ name }) => name === LENT_TO_ALL).flatMap(({ settings }) => settings);
  const sections: Draft = new Map();
  for (const { name, settings } of read.filter((section) => section.name !== LENT_TO_ALL)) {
    const plain = [...lent, ...settings].filter(({ nested }) => nested.length === 0);
    sections.set(name, new Map(plain.map((setting) => [setting.name, setting.value])));
  }
  return { sections };
};

/** configparser's `default_section`. */
const LENT_TO_ALL = "DEFAULT";

function whyPythonStops(text: string): string | undefined {
  const why = whyAwsCliStops(text);
  if (why !== undefined) return why;
  const { sections, strangeLines } = readAwsIni(text);
  const twice = firstTwice(sections.filter(({ name }) => name !== LENT_TO_ALL).map(({ name }) => name));
  if (twice !== undefined) return `has the section [${twice}] twice`;
  for (const { name, settings } of sections) {
    const setting = firstTwice(settings.map((each) => each.name));
    if (setting !== undefined) return `has ${setting} twice in [${name}]`;
    // The head of a nested block has no value; each line of the block must be a setting.
    const blocks = settings.filter(({ value }) => value === "").map(({ start, end }) => text.slice(start, end));
    const odd = blocks.flatMap(linesBelowHead).find((line) => !line.includes("="));
    if (odd !== undefined) return `has a line without = in a nested block of [${name}]`;
  }
  const lines = text.split(/\r\n|\r|\n/);
  const strange = strangeLines.find((line) => !/^\s+\[/.test(lines[line - 1] ?? ""));
  return strange === undefined ? undefined : `has no setting in line ${strange}`;
}

function firstTwice(names: readonly string[]): string | undefined {
  return names.find((name, index) => names.indexOf(name) !== index);
}

function linesBelowHead(block: string): readonly string[] {
  return block
    .split(/\r\n|\r|\n/)
    .slice(1)
    .filter((line) => !/^\s*(?:[#;]|$)/.test(line));
}

/** The SDK v3 for JavaScript. Sections with a kind keep it: `profile.dev`, `sso-session.corp`. */
export const javascriptIni: IniDialect = (text) => {
  const sections: Draft = new Map();
  let section: string | undefined;
  let block: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    const trimmed = withoutRemark(line);
    if (trimmed.startsWith("[") && trimmed.endsWith("]")) {
      section = nameWithKind(trimmed.slice(1, -1));
      block = undefined;
      continue;
    }
    const split = trimmed.indexOf("=");
    if (section === undefined || split <= 0) continue;
    const [name, value] = [trimmed.slice(0, split).trim(), trimmed.slice(split + 1).trim()];
    if (value === "") block = name;
    else {
      if (line.trimStart() === line) block = undefined;
      put(sections, section, [block === undefined ? name : `${block}.${name}`, value]);
    }
  }
  return { sections };
};

const KINDS: readonly string[] = ["profile", "sso-session", "services"];

/** Undefined: two words, and the first is no kind. */
function nameWithKind(heading: string): string | undefined {
  const match = /^([\w-]+)\s(["'])?([\w\-@+.%:/]+)\2$/.exec(heading);
  if (!match) return heading;
  const [, kind = "", , name = ""] = match;
  return KINDS.includes(kind) ? `${kind}.${name}` : undefined;
}

/** The SDK v2 for JavaScript: no nested blocks, headings as they are. */
export const javascriptV2Ini: IniDialect = (text) => {
  const sections: Draft = new Map();
  let section: string | undefined;
  for (const line of text.split(/\r?\n/)) {
    const trimmed = withoutRemark(line);
    const split = trimmed.indexOf("=");
    if (trimmed.startsWith("[") && trimmed.endsWith("]")) section = trimmed.slice(1, -1);
    else if (section !== undefined && split > 0 && split < trimmed.length - 1) {
      put(sections, section, [trimmed.slice(0, split).trim(), trimmed.slice(split + 1).trim()]);
    }
  }
  return { sections };
};

function withoutRemark(line: string): string {
  return (line.split(/(?:^|\s)[;#]/)[0] ?? "").trim();
}

/** The SDKs for Go: settings before a section are passed over, indented ones belong to a head without a value. */
export const goIni: IniDialect = (text) => {
  const sections: Draft = new Map();
  let section: Map<string, string> | undefined;
  let last: string | undefined;
  for (const line of text.split("\n").map((each) => each.replace(/\r$/, ""))) {
    const heading = goHeading(line);
    if (heading !== undefined) {
      section = sectionOf(sections, heading);
      last = undefined;
    } else if (section && !(/^[ \t]/.test(line) && last !== undefined && section.get(last) === "")) {
      const setting = goSetting(line);
      if (setting) section.set(...setting);
      last = setting?.[0] ?? last;
    }
  }
  return { sections };
};

/** Not by `trim`, for which a byte order mark is a space: Go sees no heading behind one. */
function goHeading(line: string): string | undefined {
  const heading = /^[ \t]*\[(.*)\][ \t]*$/.exec(line.split(/[#;]/)[0] ?? "")?.[1];
  return heading?.trim().replace(/[ \t]+/, " ");
}

function goSetting(line: string): readonly [name: string, value: string] | undefined {
  if (/^[ \t]*(?:[#;]|$)/.test(line)) return undefined;
  const setting = (line.split(/[ \t][#;]/)[0] ?? "").trimEnd();
  const split = setting.search(/[=:]/);
  if (split < 0) return undefined;
  return [setting.slice(0, split).trim().toLowerCase(), unquoted(setting.slice(split + 1).trim())];
}

function unquoted(value: string): string {
  return /^(["'])(.*)\1$/s.exec(value)?.[2] ?? value;
}

function put(sections: Draft, section: string, [name, value]: readonly [string, string]): void {
  sectionOf(sections, section).set(name, value);
}

function sectionOf(sections: Draft, name: string): Map<string, string> {
  const found = sections.get(name) ?? new Map<string, string>();
  sections.set(name, found);
  return found;
}
