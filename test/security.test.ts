import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

interface Proof {
  readonly row: string;
  readonly file: string;
  readonly title: string;
}

/** Of each row of SECURITY.md's table: `file` "title", …, in its last column. */
function rows(): readonly string[] {
  const text = readFileSync("SECURITY.md", "utf8");
  const table = text.slice(text.indexOf("| who | what stops them | proved by |"));
  return table.slice(0, table.indexOf("\n\n")).split("\n").slice(2);
}

function proofsOf(row: string): readonly Proof[] {
  const last = row.split("|").at(-2) ?? "";
  return [...last.matchAll(/`([\w/-]+)` "([^"]+)"/g)].map(([, file = "", title = ""]) => ({
    row,
    file: `test/${file}.test.ts`,
    title,
  }));
}

describe("what SECURITY.md promises", () => {
  it("has a test for each row of its table", () => {
    expect(rows().length).toBeGreaterThan(15);
    expect(rows().filter((row) => proofsOf(row).length === 0)).toEqual([]);
  });

  it("names tests that are there, by their titles", () => {
    const missing = rows()
      .flatMap(proofsOf)
      .filter(({ file, title }) => !existsSync(file) || !readFileSync(file, "utf8").includes(title));
    expect(missing.map(({ file, title }) => `${file}: ${title}`)).toEqual([]);
  });
});
