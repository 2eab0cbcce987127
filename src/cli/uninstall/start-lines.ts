import { printfEscapes } from "../../core/shell-quote.js";
import { quotedFor } from "../shell/shell-scripts.js";

/** A line of a shell's start file that has to do with us. */
export interface StartLine {
  /** From 1. */
  readonly line: number;
  /** A statement of ours that stands by itself: taking it out breaks nothing around it. */
  readonly removable: boolean;
  /** The statement; only of removable ones, whose form holds no secret. */
  readonly text: string | undefined;
}

/** A program, by its name or any path; where its output goes. */
const BROKERCTL = String.raw`(?:[^\s"'$\x60();|&<>#]*\/)?brokerctl (?:hook|completion|env)(?: [\w./:=@+-]+)*(?: 2>/dev/null)?`;
const FILE = String.raw`(?:"[^"\x60]*"|'[^']*'|'(?:[^'\\]|\\.)*'|[^\s"'\x60;|&<>()#]+)`;
const GUARD = [
  String.raw`(?:command -v|type|which|hash)(?: -q)? [\w./-]*brokerctl(?: ?(?:&>|>|2>) ?/dev/null| 2>&1)* && `,
  String.raw`\(\( ?\$\+commands\[brokerctl\] ?\)\) && `,
  String.raw`(?:status is-interactive; and )?(?:\[\[?|test) -[efrsO] ${FILE}(?: \]\]?)? ?(?:&&|; and) `,
].join("|");
const STATEMENT = [
  String.raw`eval "?\$\(${BROKERCTL}\)"?`,
  String.raw`eval \(${BROKERCTL}\)`,
  String.raw`(?:source|\.) <\(${BROKERCTL}\)`,
  String.raw`${BROKERCTL} \| source`,
  String.raw`(?:source|\.) (?<file>${FILE})`,
  String.raw`if \[\[? -[efrsO] ${FILE} \]\]?; then (?:source|\.) (?<block>${FILE}); fi`,
].join("|");
const OURS = new RegExp(String.raw`^(?:${GUARD})?(?:${STATEMENT})(?:\s+#.*)?$`);

/** Runs us, reads a file of our state directory, or holds a lease's URL. */
const ABOUT_US = /\bbrokerctl\s+(?:hook|completion|env)\b|\/lease\/brk_/;
/** After such an end the next line belongs to this one; or this one opens a block, which must not become empty. */
const GOES_ON = /(?:\\|&&|\|\|?|\{|\(|\b(?:then|do|else|and|or)|\bin)\s*$/;

/**
 * Finds what calls `brokerctl hook|completion|env`, or sources a file below `stateDir`, in a start file of bash, zsh or
 * fish. Comments do not count. Whether a line may be taken out is decided by its form alone; no shell is run.
 */
export function findStartLines(
  text: string,
  { stateDir, homeDir }: { readonly stateDir: string; readonly homeDir: string },
): readonly StartLine[] {
  const lines = text.split("\n");
  const places = namesOf(stateDir, homeDir);
  return lines.flatMap((raw, index) => {
    const line = raw.trim();
    const namesState = places.some((place) => line.includes(place));
    if (line.startsWith("#") || !(ABOUT_US.test(line) || namesState)) return [];
    const removable = isOurs(line, places) && standsAlone(lines, index);
    return [{ line: index + 1, removable, text: removable ? line : undefined }];
  });
}

function isOurs(line: string, places: readonly string[]): boolean {
  const form = OURS.exec(line);
  const sourced = form?.groups?.["file"] ?? form?.groups?.["block"];
  return form !== null && (sourced === undefined || places.some((place) => sourced.includes(place)));
}

/** Every other byte stays. */
export function withoutLines(text: string, numbers: readonly number[]): string {
  const gone = new Set(numbers);
  return text
    .split(/(?<=\n)/)
    .filter((_, index) => !gone.has(index + 1))
    .join("");
}

/** Indented or continued lines are part of something: without them an `if` would be empty, which no shell takes. */
function standsAlone(lines: readonly string[], index: number): boolean {
  const [before = "", line = "", after = ""] = [lines[index - 1], lines[index], lines[index + 1]];
  return !/^\s/.test(line) && !GOES_ON.test(before) && !GOES_ON.test(line) && !/^\s*(?:&&|\|\||\|)/.test(after);
}

/** As our own line has it, and as people write it: in full, and from the home directory. */
function namesOf(stateDir: string, homeDir: string): readonly string[] {
  const full = `${stateDir}/`;
  const always = [...new Set([full, printfEscapes(full), quotedFor("fish", full).slice(1, -1)])];
  if (!full.startsWith(`${homeDir}/`)) return always;
  const rest = full.slice(homeDir.length);
  // Quotes may end right behind the variable: "$HOME"/.local/…
  return [...always, `~${rest}`, `$HOME${rest}`, `\${HOME}${rest}`, `$HOME"${rest}`, `\${HOME}"${rest}`];
}
