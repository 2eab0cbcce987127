/**
 * Text for man pages (roff's `man` macros). What a person could paste stays what it is: a hyphen would become a typographic
 * one, a backslash an escape, a dot or a quote at the head of a line a request.
 */
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\e",
  "-": "\\-",
  "'": "\\(aq",
  "`": "\\(ga",
  "^": "\\(ha",
  "~": "\\(ti",
  '"': "\\(dq",
};

/** One line of text, of which roff interprets nothing. What a terminal without UTF-8 could not show is said in ASCII. */
export function escaped(text: string): string {
  const usual = text.replaceAll("…", "...").replaceAll(" · ", "; ");
  const plain = usual.replaceAll(/[\\\-'`^~"]/g, (char) => ESCAPES[char] ?? char);
  const ascii = plain.replaceAll(/[^ -~]/gu, (char) => {
    return `\\[u${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`;
  });
  return ascii.replace(/^\./, "\\&.");
}

/** Text in which `…` is what one types: bold. */
export function prose(text: string): string {
  return text
    .split(/`([^`]+)`/)
    .map((part, n) => (n % 2 === 1 ? bold(part) : escaped(part)))
    .join("")
    .replace(/^\./, "\\&.");
}

export function bold(text: string): string {
  return `\\fB${escaped(text)}\\fR`;
}

export function section(title: string): string {
  return `.SH ${quoted(title.toUpperCase())}`;
}

export function subsection(title: string): string {
  return `.SS ${quoted(title)}`;
}

/** What is named, and below it, indented, what it does. */
export function entry(name: string, text: string): string {
  return `.TP\n${bold(name)}\n${prose(text)}`;
}

/** Lines that stay as they are. */
export function verbatim(lines: readonly string[]): string {
  return [".PP", ".RS 4", ".nf", ...lines.map(escaped), ".fi", ".RE"].join("\n");
}

/** Paragraphs: lines are filled anew, those that begin with a blank stay lines of their own. */
export function paragraphs(text: string): string {
  const lines = text.replaceAll(/(?<=\S)\n(?=\S)/g, " ").split("\n");
  const parts: string[] = [];
  let kept: string[] = [];
  const keep = (): void => {
    if (kept.length > 0) parts.push(verbatim(kept));
    kept = [];
  };
  for (const line of lines) {
    if (/^\s+\S/.test(line)) kept.push(line.trim());
    else {
      keep();
      if (line !== "") parts.push(`.PP\n${prose(line)}`);
    }
  }
  keep();
  return parts.join("\n");
}

/** The head of a page. No date: the same sources make the same page. */
export function head({ name, section: number, version }: PageName): string {
  const parts = [name.toUpperCase(), number, "", `credbroker ${version}`, "credbroker"];
  return [`.TH ${parts.map(quoted).join(" ")}`, ".nh", ".ad l"].join("\n");
}

interface PageName {
  readonly name: string;
  readonly section: string;
  readonly version: string;
}

function quoted(text: string): string {
  return `"${escaped(text)}"`;
}
