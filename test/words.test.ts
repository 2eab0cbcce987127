import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";

/** Words that hide who acts, or that a reader has to guess: name the process, the user or the client, and say "fix". */
const BANNED = /\b(mend(s|ed|ing)?|somebody|nobody|anybody|whoever|rooms?|doors?|twins?|surroundings)\b/i;

/** What a person gets to read as it stands: unit files and agents, hooks, scripts, documents. */
const READ_WHOLE = ["bin", "docs", "launchd", "src/cli/shell", "systemd", "README.md", "SECURITY.md", "CHANGELOG.md"];
const SCRIPTS = ["scripts/install", "scripts/uninstall", "scripts/with-node"];

describe("the words", () => {
  it("of messages, hints and help texts name who acts, and say `fix`", () => {
    const files = filesBelow("src").filter((path) => path.endsWith(".ts"));
    const found = files.flatMap((path) =>
      literalsOf(path)
        .filter(({ text }) => BANNED.test(text))
        .map(asLine(path)),
    );

    expect(files.length).toBeGreaterThan(200);
    expect(found).toEqual([]);
  });

  it("of unit files, hooks, scripts and documents name who acts, and say `fix`", () => {
    const files = [...READ_WHOLE.flatMap(filesBelow), ...SCRIPTS].filter((path) => !path.endsWith(".ts"));
    const found = files.flatMap((path) =>
      linesOf(path)
        .filter(({ text }) => BANNED.test(text))
        .map(asLine(path)),
    );

    expect(files.length).toBeGreaterThan(20);
    expect(found).toEqual([]);
  });

  it("are looked for in plain texts, in every piece of a template and in keys, but not in comments, names and imports", () => {
    const source = `
      import { x } from "./room.js"; // somebody
      const door = await import("./door.js");
      const a = \`nobody \${door} \${f("whoever")} mended\`;
      const b = { "a twin": 'recommend' };`;

    expect(literalsIn(source).map(({ text }) => text)).toEqual([
      "nobody ",
      " ",
      "whoever",
      " mended",
      "a twin",
      "recommend",
    ]);
    expect(["mend it", "Nobody is", "mends:", "the door"].every((text) => BANNED.test(text))).toBe(true);
    expect(["recommend", "amended", "mendacious", "bedroom"].some((text) => BANNED.test(text))).toBe(false);
  });
});

interface Found {
  readonly line: number;
  readonly text: string;
}

function asLine(path: string): (found: Found) => string {
  return ({ line, text }) => `${path}:${line}: ${text.trim()}`;
}

function literalsOf(path: string): readonly Found[] {
  return literalsIn(readFileSync(path, "utf8"));
}

function literalsIn(source: string): readonly Found[] {
  const file = ts.createSourceFile("source.ts", source, ts.ScriptTarget.Latest, true);
  const found: Found[] = [];
  visit(file);
  return found;

  function visit(node: ts.Node): void {
    if (isLiteral(node) && !namesModule(node)) {
      found.push({ line: file.getLineAndCharacterOfPosition(node.getStart()).line + 1, text: node.text });
    }
    ts.forEachChild(node, visit);
  }
}

function isLiteral(node: ts.Node): node is ts.LiteralLikeNode {
  return (
    ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddle(node) || ts.isTemplateTail(node)
  );
}

function namesModule({ parent }: ts.Node): boolean {
  if (ts.isImportDeclaration(parent) || ts.isExportDeclaration(parent)) return true;
  return ts.isCallExpression(parent) && parent.expression.kind === ts.SyntaxKind.ImportKeyword;
}

function linesOf(path: string): readonly Found[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .map((text, index) => ({ line: index + 1, text }));
}

function filesBelow(path: string): readonly string[] {
  if (path.endsWith(".md")) return [path];
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}
