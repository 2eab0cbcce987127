import { BrokerError } from "../../../core/errors.js";
import type { FileValue, FileVariables } from "./compare-variables.js";

const ASSIGNMENT = /[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=/y;
const NOTHING = /[ \t]*(?:#.*)?$/my;
const QUOTE = /[ \t]*(["'`])/y;
const REST_OF_LINE = /.*/y;

/** Some programs put another variable's value, or a command's output, in its place. */
const EXPANDED = /(?:^|[^\\])(?:\$[A-Za-z_{(]|`)/;

/**
 * The variables of a `.env` file: NAME=VALUE, `export` before it, quotes (over several lines, too), comments, any line ends; the last one of
 * a name counts. Where dotenv, Docker Compose and shells read a value differently each reading is taken for it. UsageInvalid names the
 * line that is none of that, and does not show it: it may be a secret.
 */
export function parseEnvFile(text: string, file: string): FileVariables {
  const reader = new EnvReader(text.replaceAll(/\r\n?/g, "\n"), file);
  const values = new Map<string, FileValue>();
  while (!reader.atEnd) {
    if (reader.take(NOTHING)) reader.endLine();
    else values.set(...reader.assignment());
  }
  return { values };
}

class EnvReader {
  readonly #text: string;
  readonly #file: string;
  #at = 0;

  constructor(text: string, file: string) {
    this.#text = text;
    this.#file = file;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  assignment(): [string, FileValue] {
    const start = this.#at;
    const name = this.take(ASSIGNMENT)?.[1];
    if (name === undefined) throw this.#malformed(start, "is not NAME=VALUE");
    const quote = this.take(QUOTE)?.[1];
    const value = quote === undefined ? bareValue(this.take(REST_OF_LINE)?.[0] ?? "") : this.#quoted(quote, start);
    this.endLine();
    return [name, value];
  }

  /** What the sticky pattern finds here. */
  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text) ?? undefined;
    if (found) this.#at += found[0].length;
    return found;
  }

  endLine(): void {
    this.#at++;
  }

  #quoted(quote: string, start: number): FileValue {
    const end = closingQuote(this.#text, this.#at, quote);
    if (end < 0) throw this.#malformed(start, "begins a quotation that does not end");
    const inner = this.#text.slice(this.#at, end);
    this.#at = end + 1;
    if (!this.take(NOTHING)) throw this.#malformed(start, "has more behind its quotation");
    return quote === '"' ? doubleQuoted(inner) : oneOf([inner]);
  }

  #malformed(at: number, why: string): BrokerError {
    const line = this.#text.slice(0, at).split("\n").length;
    return new BrokerError("UsageInvalid", `${this.#file}: line ${line} ${why}`, {
      hint: "NAME=VALUE, NAME='VALUE', or a comment after #; a template is told by its name, as in serverless.yml",
    });
  }
}

/** A backslash escapes in double quotes only. */
function closingQuote(text: string, from: number, quote: string): number {
  if (quote !== '"') return text.indexOf(quote, from);
  let at = from;
  while (at < text.length && text[at] !== quote) at += text[at] === "\\" ? 2 : 1;
  return at < text.length ? at : -1;
}

/** A comment needs a blank before it, but not for dotenv. */
function bareValue(text: string): FileValue {
  return oneOf(
    [text.replace(/[ \t]#.*$/, ""), text.replace(/#.*$/, "")].map((one) => one.trim()),
    text,
  );
}

/** As it stands; with line breaks, as dotenv has it; with all escapes, as others have, and as `--format dotenv` writes it. */
function doubleQuoted(inner: string): FileValue {
  const withBreaks = inner.replaceAll("\\n", "\n").replaceAll("\\r", "\r");
  return oneOf([inner, withBreaks, inner.replaceAll(/\\(u[0-9A-Fa-f]{4}|[^])/g, unescaped)], inner);
}

const ESCAPED: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", b: "\b", f: "\f", "\n": "" };

function unescaped(_: string, escape: string): string {
  return escape.length > 1 ? String.fromCharCode(Number.parseInt(escape.slice(1), 16)) : (ESCAPED[escape] ?? escape);
}

function oneOf(readings: readonly string[], expandable = ""): FileValue {
  const unsure = EXPANDED.test(expandable) ? { unsure: "it holds $ or `, which some programs expand" } : {};
  return { is: (deployed) => readings.includes(deployed), ...unsure };
}
