/** One `name = value` of an AWS file. Its value may be a secret: nothing here is for messages. */
export interface IniSetting {
  /** Lower case. */
  readonly name: string;
  /** Lines joined with a line feed; without a remark at its end. Empty for the head of a nested block (`s3 =`). */
  readonly value: string;
  /** Text behind ` #` or ` ;`, which the SDKs leave out and the AWS CLI keeps. */
  readonly hasRemark: boolean;
  /** What stands indented below a head without a value, one level deep, as botocore reads it; else empty. */
  readonly nested: readonly { readonly name: string; readonly value: string }[];
  /** Its first line in the text, from 1. */
  readonly line: number;
  /** Its lines in the text, line ends included, the lines that belong to it too. */
  readonly start: number;
  readonly end: number;
}

export interface IniSection {
  /** As in the brackets, trimmed. */
  readonly name: string;
  /** Of its heading, from 1. */
  readonly line: number;
  readonly settings: readonly IniSetting[];
}

/** Sections and settings in the order of the text, those that come twice twice (the AWS CLI refuses such a file). */
export interface AwsIni {
  readonly sections: readonly IniSection[];
  /** Lines that say nothing an AWS program would understand, or of which each understands something else, from 1. */
  readonly strangeLines: readonly number[];
}

/**
 * Reads `~/.aws/config` or `credentials` the way the AWS CLI does (Python's configparser): `#` and `;` begin a remark,
 * `=` or `:` stands between name and value, a line that is indented deeper than a setting belongs to it, be it a
 * heading. Unlike it, takes a byte order mark, and sections and settings that come twice. Never throws.
 */
export function readAwsIni(text: string): AwsIni {
  const reading: Reading = { sections: [], strangeLines: [], indent: 0 };
  let start = 0;
  let number = 0;
  for (const [line] of text.matchAll(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g)) {
    const end = start + line.length;
    const content = line.replace(/[\r\n]+$/, "").replace(start === 0 ? /^\uFEFF/ : "", "");
    readLine(reading, { content, start, end, number: ++number });
    start = end;
  }
  return reading;
}

/** Sections of the config that carry a name behind their kind. */
export type NamedKind = "profile" | "sso-session" | "services";

/** `profile dev`, `profile "my dev"` → the name; undefined: another kind of section. */
export function nameInHeading(section: string, kind: NamedKind): string | undefined {
  const rest = section.startsWith(kind) ? section.slice(kind.length) : "";
  const name = rest.trim();
  if (name === "" || !/^\s/.test(rest)) return undefined;
  return /^(["'])(.+)\1$/.exec(name)?.[2] ?? name;
}

interface Reading {
  readonly sections: { readonly name: string; readonly line: number; readonly settings: Draft[] }[];
  readonly strangeLines: number[];
  /** The setting to which deeper lines belong, and how deep it stands itself. */
  setting?: Draft | undefined;
  indent: number;
}

type Draft = { -readonly [Field in keyof Omit<IniSetting, "nested">]: IniSetting[Field] } & {
  readonly nested: { readonly name: string; readonly value: string }[];
};

interface Line {
  readonly content: string;
  readonly start: number;
  readonly end: number;
  readonly number: number;
}

const NOTHING = /^\s*(?:[#;]|$)/;
const HEADING = /^\s*\[([^\]]+)\]/;

function readLine(reading: Reading, line: Line): void {
  const { content, number } = line;
  if (NOTHING.test(content)) return;
  const indent = content.length - content.trimStart().length;
  const section = HEADING.exec(content)?.[1];
  if (reading.setting && indent > reading.indent) {
    // The SDKs take such a heading for one, the AWS CLI does not.
    if (section !== undefined) reading.strangeLines.push(number);
    continueSetting(reading.setting, line);
  } else if (section !== undefined) {
    reading.sections.push({ name: section.trim(), line: number, settings: [] });
    reading.setting = undefined;
  } else beginSetting(reading, { ...line, indent });
}

/** An empty value is the head of a nested block: what is in it is no setting of the section. */
function continueSetting(setting: Draft, { content, end }: Line): void {
  setting.end = end;
  if (setting.value !== "") setting.value += `\n${content.trim()}`;
  else {
    const split = content.indexOf("=");
    const name = content.slice(0, Math.max(split, 0)).trim();
    if (name !== "") setting.nested.push({ name, value: content.slice(split + 1).trim() });
  }
}

function beginSetting(reading: Reading, line: Line & { readonly indent: number }): void {
  const { content, start, end, number, indent } = line;
  const split = content.search(/[=:]/);
  const settings = reading.sections.at(-1)?.settings;
  const name = content.slice(0, Math.max(split, 0)).trim().toLowerCase();
  if (name === "" || !settings) {
    reading.strangeLines.push(number);
    reading.setting = undefined;
    return;
  }
  const whole = content.slice(split + 1).trim();
  const remark = whole.search(/(?:^|\s)[#;]/);
  const value = remark < 0 ? whole : whole.slice(0, remark).trimEnd();
  reading.setting = { name, value, hasRemark: remark >= 0, nested: [], line: number, start, end };
  reading.indent = indent;
  settings.push(reading.setting);
}
