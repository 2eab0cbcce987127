import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

/** Words that hide who acts, or that a reader has to guess: name the process, the user or the client, and say "fix". */
const BANNED = /\b(mend(s|ed|ing)?|somebody|nobody|anybody|whoever|rooms?|doors?|twins?|surroundings)\b/i;

/** What the user gets to read as it stands: unit files and agents, hooks, scripts, documents. */
const READ_WHOLE = ["bin", "docs", "launchd", "scripts", "systemd", "README.md", "SECURITY.md", "CHANGELOG.md"];

/** It says them. */
const OURS = "test/words.test.ts";
/** What npm, Cargo and builds write. */
const NOT_OURS = /node_modules|\/(?:package-lock\.json|Cargo\.lock|go\.sum)$|\/target\//;

/** Papers that are not in the repository, by name and section or by file: a rule is said, or cited from where a reader can open it. */
const UNREACHABLE =
  /\b(?:interface|design|sdk-contract|threat[- ]model|field|peers|style)(?:\.md\b|,? §)|(?:clients-measured|lambda-differences|house-review)/i;
/** What has numbered sections that a reader can open. */
const OPEN_TO_ALL = /\b(?:RFC \d{3,5}|XML 1\.0)\b.*§/;

describe("the references", () => {
  it("of sources, tests, scripts and documents lead to what a reader can open", () => {
    const files = ["src", "test", ...READ_WHOLE, "CONTRIBUTING.md"].flatMap(filesBelow);
    const ours = files.filter((path) => path !== OURS && !NOT_OURS.test(path));

    expect(ours.length).toBeGreaterThan(500);
    expect(ours.flatMap((path) => linesIn(path, isUnreachable))).toEqual([]);
  });

  it("are told apart: a section of an RFC, and one of a paper that is not in the repository", () => {
    const unreachable = [
      "// (design §5)",
      "/** interface §3: both */",
      "see threat-model.md",
      "Threat model §5:",
      "(§4)",
    ];
    const open = [
      "/** RFC 8628 §3.5 */",
      "(RFC 8252 §7.3, §8.3)",
      "XML 1.0 §2.2: most",
      "docs/clients.md",
      "the design",
    ];

    expect(unreachable.filter((line) => !isUnreachable(line))).toEqual([]);
    expect(open.filter(isUnreachable)).toEqual([]);
  });
});

function isUnreachable(line: string): boolean {
  return UNREACHABLE.test(line) || (line.includes("§") && !OPEN_TO_ALL.test(line));
}

describe("the words", () => {
  it("of src, in messages, help texts, comments, names and hooks, name who acts, and say `fix`", () => {
    const files = filesBelow("src");

    expect(files.length).toBeGreaterThan(200);
    expect(files.flatMap(bannedIn)).toEqual([]);
  });

  it("of unit files, scripts and documents name who acts, and say `fix`", () => {
    const files = READ_WHOLE.flatMap(filesBelow);

    expect(files.length).toBeGreaterThan(20);
    expect(files.flatMap(bannedIn)).toEqual([]);
  });

  it("of tests, in their names, comments, texts and file names, name who acts, and say `fix`", () => {
    const files = filesBelow("test").filter((path) => path !== OURS && !NOT_OURS.test(path));

    expect(files.length).toBeGreaterThan(300);
    expect(files.flatMap(bannedIn)).toEqual([]);
  });

  it("are found in comments, texts and the names of code, and not where they are a part of another word", () => {
    const banned = [
      "// Nobody is asked",
      " * and mends: it",
      '"\\nthe door"',
      "`${who}mended`",
      "mendSource(draft)",
      "SourceSurroundings",
      "OPEN_DOORS",
      "./secret-room.js",
      "JSONDoor",
    ];
    const fine = ["recommend", "amended", "mendacious", "bedroom", "text.trimEnd()", "useDualstack", "recommendSource"];

    expect(banned.filter((line) => !isBanned(line))).toEqual([]);
    expect(fine.filter(isBanned)).toEqual([]);
  });
});

function bannedIn(path: string): readonly string[] {
  return [...(isBanned(path) ? [path] : []), ...linesIn(path, isBanned)];
}

/** The lines of a file of which `isMeant` is true, each with its place. */
function linesIn(path: string, isMeant: (line: string) => boolean): readonly string[] {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.flatMap((line, index) => (isMeant(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []));
}

/** Names of code are read as the words that they are made of, escapes in texts as what ends a word. */
function isBanned(line: string): boolean {
  const words = line.replaceAll(/\\[bnrt]/g, " ").replaceAll(/(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|_/g, " ");
  return BANNED.test(words);
}

function filesBelow(path: string): readonly string[] {
  if (path.endsWith(".md")) return [path];
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
