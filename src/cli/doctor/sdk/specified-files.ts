import type { IniDialect, IniReading, Sections } from "./ini-dialects.js";
import type { JavascriptV3 } from "./javascript-v3.js";
import type { Failure } from "./judge.js";
import { merged, NO_SETTINGS, namedSections } from "./profiles.js";
import { type Shell, said } from "./shell.js";

/** Both files by the letter of AWS's specification of them, as the SDKs for Rust, Java v2 and Kotlin and the CRT have it. */
export interface Specified extends JavascriptV3 {
  /** A file that is not as specified. */
  readonly broken: Failure | undefined;
}

export function seenAsSpecified(shell: Shell): Specified {
  return seenBy(shell, () => (text) => new Reader({}).read(text));
}

/** The SDK v2 for Java reads over what stands in a section whose name is not valid. */
export function seenByJavaV2(shell: Shell): Specified {
  return seenBy(shell, (isConfig) => (text) => new Reader({ isRead: (name) => isValid(name, isConfig) }).read(text));
}

/** The CRT passes over lines that are no settings. */
export function seenByCrt(shell: Shell): Specified {
  return seenBy(shell, () => (text) => new Reader({ passesOver: true }).read(text));
}

function seenBy(shell: Shell, dialect: (isConfig: boolean) => IniDialect): Specified {
  const { env, files, text } = shell;
  const config = { path: files.config, reading: dialect(true)(text(files.config) ?? "") };
  const credentials = { path: files.credentials, reading: dialect(false)(text(files.credentials) ?? "") };
  const { sections } = config.reading;
  const plain = sections.has("profile default") ? undefined : "default";
  const inConfig = namedSections(config, (heading) => (heading === plain ? plain : behind(heading, "profile")));
  const inCredentials = namedSections(credentials, (heading) => (VALID_NAME.test(heading) ? heading : undefined));
  const profiles = merged(inConfig, inCredentials);
  const name = said(env, "AWS_PROFILE") ?? "default";
  return {
    ...{ shell, profiles, profile: { name, settings: profiles.get(name) ?? NO_SETTINGS } },
    sessions: namedSections(config, (heading) => behind(heading, "sso-session")),
    broken: brokenFile(config) ?? brokenFile(credentials),
  };
}

function brokenFile({ path, reading }: { readonly path: string; readonly reading: IniReading }): Failure | undefined {
  return reading.broken === undefined ? undefined : { failure: `${path} ${reading.broken}`, at: path };
}

const VALID_NAME = /^[\w\-/.%@:+]+$/;

function behind(heading: string, kind: string): string | undefined {
  const [first, ...rest] = heading.split(" ");
  const name = rest.join(" ");
  return first === kind && VALID_NAME.test(name) ? name : undefined;
}

function isValid(heading: string, isConfig: boolean): boolean {
  if (!isConfig) return VALID_NAME.test(heading);
  return (
    heading === "default" || behind(heading, "profile") !== undefined || /^(?:sso-session|services) /.test(heading)
  );
}

interface ReaderHabits {
  /** Sections of other names are read over. */
  readonly isRead?: (heading: string) => boolean;
  /** A line that is no setting is none, and no error. */
  readonly passesOver?: true;
}

/** One file: settings begin their line and have a `=`; an indented line goes on with the setting above it. */
class Reader {
  readonly #habits: ReaderHabits;
  readonly #sections = new Map<string, Map<string, string>>();
  /** Undefined: before the first one; null: in one that is read over. */
  #section: Map<string, string> | null | undefined;
  #setting: string | undefined;

  constructor(habits: ReaderHabits) {
    this.#habits = habits;
  }

  read(text: string): { readonly sections: Sections; readonly broken?: string } {
    for (const [index, line] of text.split(/\r?\n/).entries()) {
      if (/^[#;]/.test(line) || /^\s*$/.test(line)) continue;
      const wrong = line.startsWith("[") ? this.#heading(line) : this.#line(line);
      if (wrong !== undefined) return { sections: new Map(), broken: `${wrong} in line ${index + 1}` };
    }
    return { sections: this.#sections };
  }

  #heading(line: string): string | undefined {
    const heading = /^\[(.*)\]$/.exec((line.split(/[#;]/)[0] ?? "").trim())?.[1];
    if (heading === undefined) return "has a heading without its ]";
    const name = heading.trim().replace(/^(\S+)\s+/, "$1 ");
    const section = this.#sections.get(name) ?? new Map<string, string>();
    this.#section = (this.#habits.isRead?.(name) ?? true) ? section : null;
    if (this.#section) this.#sections.set(name, section);
    this.#setting = undefined;
    return undefined;
  }

  #line(line: string): string | undefined {
    const section = this.#section;
    if (section === undefined) return "has a setting before the first section";
    if (section === null) return undefined;
    if (/^\s/.test(line)) return this.#continuation(section, line.trim());
    const setting = (line.split(/\s[#;]/)[0] ?? "").trim();
    const split = setting.indexOf("=");
    if (split <= 0) return this.#habits.passesOver ? undefined : "has no setting with a =";
    this.#setting = setting.slice(0, split).trim().toLowerCase();
    section.set(this.#setting, setting.slice(split + 1).trim());
    return undefined;
  }

  #continuation(section: Map<string, string>, line: string): string | undefined {
    if (this.#setting === undefined) return "begins a section with an indented line";
    const value = section.get(this.#setting) ?? "";
    // The lines below a head without a value are settings of their own.
    if (/^(?:\n|$)/.test(value) && !line.includes("=")) return "has no setting with a =";
    section.set(this.#setting, `${value}\n${line}`);
    return undefined;
  }
}
