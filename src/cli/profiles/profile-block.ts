import { createHash } from "node:crypto";
import { nameInHeading, readAwsIni } from "../../core/aws-ini.js";

/** A profile of ours: its heading's name and the lines below it. */
export interface BlockProfile {
  readonly name: string;
  readonly lines: readonly string[];
}

/** What was not there before the block, and goes with it. */
export type Made = "line-end" | "file" | "directory";

/** The part of `~/.aws/config` that `profiles sync` writes, both marks included. */
export interface ProfileBlock {
  /** Characters in the text; `end` is behind the line end of the last mark. */
  readonly start: number;
  readonly end: number;
  /** Of its marks, from 1. */
  readonly lines: readonly [first: number, last: number];
  readonly profiles: readonly BlockProfile[];
  readonly made: readonly Made[];
  /** Edited since: what it holds is not what was written. */
  readonly isChanged: boolean;
}

/** `problem` reads on after the file's name. */
export type FoundBlock =
  | { readonly found: "none" }
  | { readonly found: "block"; readonly block: ProfileBlock }
  | { readonly found: "broken"; readonly problem: string };

const BEGIN =
  "# >>> credbroker: profiles of its roles. `brokerctl profiles sync` writes this block, `brokerctl profiles remove` takes it out >>>";
const BEGIN_MARK = /^# >>> credbroker\b/;
const END_MARK = /^# <<< credbroker ([0-9a-f]{16})((?: [a-z-]+)*) <<<\s*$/;
const ANY_END_MARK = /^# <<< credbroker\b/;
const NOTHING = /^\s*(?:[#;]|$)/;

/** Finds the block by its marks; other lines are nothing to it. */
export function findBlock(text: string): FoundBlock {
  const lines = linesOf(text);
  const begins = lines.flatMap(({ content }, index) => (BEGIN_MARK.test(content) ? [index] : []));
  const ends = lines.flatMap(({ content }, index) => (ANY_END_MARK.test(content) ? [index] : []));
  const [first, last] = [begins[0], ends[0]];
  if (first === undefined && last === undefined) return { found: "none" };
  const marks = [...begins, ...ends].map((index) => index + 1).sort((a, b) => a - b);
  if (first === undefined || last === undefined || marks.length > 2 || last < first) {
    return { found: "broken", problem: `holds marks of credbroker that are no pair, in line ${marks.join(", ")}` };
  }
  const behind = lines.findIndex(({ content }, index) => index > last && !NOTHING.test(content));
  if (behind >= 0 && !lines[behind]?.content.startsWith("[")) {
    return {
      found: "broken",
      problem: `has a setting behind the block, in line ${behind + 1}, that belongs to a profile in it`,
    };
  }
  return { found: "block", block: blockOf(lines, first, last) };
}

/** The text with a block of these profiles, in the place of the one that it has, else at its end. No other character changes. */
export function withBlock(text: string, profiles: readonly BlockProfile[], made: readonly Made[] = []): string {
  const found = findBlock(text);
  if (found.found === "broken") throw new Error(found.problem);
  const lineEnd = lineEndOf(text);
  if (found.found === "block") {
    const { start, end, made: before } = found.block;
    return text.slice(0, start) + renderBlock(profiles, before, lineEnd) + text.slice(end);
  }
  const isOpen = text !== "" && !/[\r\n]$/.test(text);
  const all: readonly Made[] = isOpen ? [...made, "line-end"] : made;
  return text + (isOpen ? lineEnd : "") + renderBlock(profiles, all, lineEnd);
}

/** As it was before there was a block. */
export function withoutBlock(text: string, { start, end, made }: ProfileBlock): string {
  const [before, after] = [text.slice(0, start), text.slice(end)];
  // What was written behind the block since must not join the line before it.
  return made.includes("line-end") && after === "" ? before.replace(/(?:\r\n|\r|\n)$/, "") : before + after;
}

interface Line {
  /** Without its line end. */
  readonly content: string;
  readonly start: number;
  readonly end: number;
}

/** A byte order mark is the file's, not its first line's. */
function linesOf(text: string): readonly Line[] {
  const from = text.startsWith("\uFEFF") ? 1 : 0;
  return [...text.slice(from).matchAll(/[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$/g)].map(({ 0: line, index }) => ({
    content: line.replace(/[\r\n]+$/, ""),
    start: from + index,
    end: from + index + line.length,
  }));
}

function blockOf(lines: readonly Line[], first: number, last: number): ProfileBlock {
  const body = lines.slice(first + 1, last).map(({ content }) => content);
  const [, digest, words = ""] = END_MARK.exec(lines[last]?.content ?? "") ?? [];
  return {
    start: lines[first]?.start ?? 0,
    end: lines[last]?.end ?? 0,
    lines: [first + 1, last + 1],
    profiles: profilesIn(body),
    made: words.split(" ").filter((word) => word !== "") as Made[],
    isChanged: digest !== digestOf(body),
  };
}

function profilesIn(body: readonly string[]): readonly BlockProfile[] {
  const profiles: { name: string; lines: string[] }[] = [];
  for (const line of body) {
    const name = line.startsWith("[") ? readAwsIni(line).sections[0]?.name : undefined;
    if (name !== undefined) profiles.push({ name: nameInHeading(name, "profile") ?? name, lines: [] });
    else profiles.at(-1)?.lines.push(line);
  }
  return profiles;
}

function renderBlock(profiles: readonly BlockProfile[], made: readonly Made[], lineEnd: string): string {
  const body = profiles.flatMap(({ name, lines }) => [`[profile ${name}]`, ...lines]);
  const end = ["# <<< credbroker", digestOf(body), ...made, "<<<"].join(" ");
  return [BEGIN, ...body, end].map((line) => line + lineEnd).join("");
}

/** Of the lines: a program that rewrites all line ends of a file changes nothing that a profile says. */
function digestOf(body: readonly string[]): string {
  return createHash("sha256").update(body.join("\n")).digest("hex").slice(0, 16);
}

/** That of the last line: where two sorts are mixed, what is appended is like what it follows. */
function lineEndOf(text: string): string {
  return /\r\n[^\r\n]*$/.test(text) ? "\r\n" : "\n";
}
