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
  const lines = readFileSync(path, "utf8").split("\n");
  const name = isBanned(path) ? [path] : [];
  return [...name, ...lines.flatMap((line, index) => (isBanned(line) ? [`${path}:${index + 1}: ${line.trim()}`] : []))];
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
