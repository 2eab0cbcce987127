import { parse as parseJsonc } from "jsonc-parser";
import { parse as parseToml } from "smol-toml";
import { describe, expect, it } from "vitest";
import { putJsonEntry, readJsonEntry, removeJsonEntry } from "../../../src/cli/agents/json-entry.js";
import { edited, type TextEdit, unifiedDiff } from "../../../src/cli/agents/text-edit.js";
import { putTomlEntry, readTomlEntry, removeTomlEntry } from "../../../src/cli/agents/toml-entry.js";
import { brokerErrorOf } from "../../support/broker-error-of.js";
import { seededRandom } from "../../support/random.js";

const PLACE = { section: "mcpServers", name: "credbroker" };
const VALUE = { command: "/opt/node", args: ["/opt/my dir/brokerctl.js", "mcp"], env: { A: "$A" } };

const put = (text: string): string => edited(text, putJsonEntry(text, PLACE, VALUE));
const remove = (text: string): string => {
  const edit = removeJsonEntry(text, PLACE);
  return edit ? edited(text, edit) : text;
};
const undo = (text: string, { offset, replaced, inserted }: TextEdit): string =>
  edited(text, { offset, replaced: inserted, inserted: replaced });

describe("an entry in a JSON file", () => {
  it.each<[string, string]>([
    ["none", ""],
    ["an empty object", "{}"],
    ["an empty object of two lines", "{\n}\n"],
    ["other keys", '{\n    "theme": "dark"\n}\n'],
    ["other servers", '{\n  "mcpServers": {\n    "a": { "command": "x" }\n  },\n  "z": 1\n}\n'],
    ["other servers in one line", '{"a":1,"mcpServers":{"a":{"command":"x"}},"z":[1,  2]}'],
    ["an empty section", '{ "mcpServers": {} }'],
    [
      "comments and trailing commas",
      '// mine\n{\n\t"mcpServers": {\n\t\t"a": {}, // one\n\t\t/* two */ "b": {},\n\t},\n}\n',
    ],
    ["a comment in an empty section", '{\n  "mcpServers": {\n    // none yet\n  }\n}'],
    ["lines that end as on Windows", '{\r\n  "a": 1\r\n}\r\n'],
    ["a byte order mark", '\uFEFF{\n  "a": 1\n}\n'],
    ["nothing but a comment", "// to be filled\n"],
  ])("is added to a file with %s, is read there, and comes out again, every other byte kept", (_, text) => {
    const edit = putJsonEntry(text, PLACE, VALUE);
    const next = edited(text, edit);

    expect(edit.replaced).toBe("");
    expect(readJsonEntry(next, PLACE)).toEqual(VALUE);
    const { mcpServers, ...rest } = parseJsonc(next.replace("\uFEFF", "")) as Record<string, object>;
    const before = (parseJsonc(text.replace("\uFEFF", ""), [], { allowTrailingComma: true }) ?? {}) as typeof rest;
    expect({ ...rest, mcpServers: { ...mcpServers, credbroker: undefined } }).toEqual({
      ...before,
      mcpServers: { ...before["mcpServers"], credbroker: undefined },
    });
    expect(undo(next, edit)).toBe(text);
    expect(readJsonEntry(remove(next), PLACE)).toBeUndefined();
    expect(put(remove(next))).toBe(next);
    if (next.includes("\r\n")) expect(next.replaceAll("\r\n", "")).not.toContain("\n");
  });

  it("is written anew in its place, and comes to the same when it is put twice", () => {
    const text = '{\n  "mcpServers": {\n    "credbroker": {"command": "old"}, // ours\n    "b": 1\n  }\n}\n';
    const next = put(text);
    expect(next).toContain("}, // ours\n");
    expect(readJsonEntry(next, PLACE)).toEqual(VALUE);
    expect(put(next)).toBe(next);
  });

  it("is as its neighbours are indented", () => {
    expect(put('{\n    "mcpServers": {\n        "a": {}\n    }\n}\n')).toContain(
      '        "a": {},\n        "credbroker": {\n            "command"',
    );
    expect(put('{\n\t"x": 1\n}')).toContain('\t"mcpServers": {\n\t\t"credbroker": {\n\t\t\t"command"');
  });

  it.each(['{"a": }', "[1]", '{"mcpServers": []}', '{"mcpServers": 1}', "{", "<xml/>"])(
    "is not written into %s, with the line that is wrong",
    async (text) => {
      expect((await brokerErrorOf(async () => Promise.resolve(put(text)))).code).toBe("ConfigInvalid");
    },
  );

  it("goes into any object and out again: the rest means the same, and its bytes stay, of 2,000 that are made by chance", () => {
    const random = seededRandom(1129);
    for (let turn = 0; turn < 2000; turn++) {
      const text = randomJson(random);
      const edit = putJsonEntry(text, PLACE, VALUE);
      const next = edited(text, edit);
      expect(readJsonEntry(next, PLACE), text).toEqual(VALUE);
      expect(undo(next, edit)).toBe(text);
      expect(next.startsWith(text.slice(0, edit.offset)) && next.endsWith(text.slice(edit.offset)), text).toBe(true);
      expect(readJsonEntry(remove(next), PLACE), next).toBeUndefined();
      expect(withoutEntry(remove(next)), next).toEqual(withoutEntry(text));
    }
  });
});

function withoutEntry(text: string): unknown {
  const { mcpServers = {}, ...rest } = parseJsonc(text, [], { allowTrailingComma: true }) as Record<string, object>;
  return { ...rest, mcpServers };
}

/** Keys, nesting, comments, blanks and commas as people and programs leave them. */
function randomJson(random: () => number): string {
  const pick = <T>(...items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const gap = (): string => pick("", " ", "\n", "\n  ", "\r\n\t", " /* c */ ", " // c\n");
  const value = (depth: number): string =>
    depth > 2 || random() < 0.4 ? pick("1", '"a\\"}{"', "null", "[1, 2]", "[]") : object(depth + 1);
  const object = (depth: number, extra: readonly string[] = []): string => {
    const keys = [
      ...new Set([...extra, ...Array.from({ length: Math.floor(random() * 4) }, () => pick("a", "b", "c d", "é"))]),
    ];
    const members = keys.map((key) => {
      const inside = key === "mcpServers" ? object(depth + 1) : value(depth);
      return `${gap()}${JSON.stringify(key)}${pick("", " ")}:${gap()}${inside}${gap()}`;
    });
    const trailing = members.length > 0 && random() < 0.3 ? "," : "";
    return `{${members.join(",")}${trailing}${gap()}}`;
  };
  return gap() + object(0, random() < 0.6 ? ["mcpServers"] : []) + gap();
}

const TABLES = { section: "mcp_servers", name: "credbroker" };
const CODEX = { command: "/opt/node", args: ['/opt/a "b"/brokerctl.js', "mcp"], env_vars: ["A", "B"] };

describe("an entry in a TOML file", () => {
  it.each<[string, string]>([
    ["none", ""],
    ["keys", 'model = "x" # the best\n'],
    ["no line's end at its end", 'model = "x"'],
    ["other servers", '[mcp_servers.a]\ncommand = "a"\n\n[mcp_servers.a.env]\nX = "1"\n'],
    ["lines that end as on Windows", 'model = "x"\r\n[a]\r\nb = 1\r\n'],
    ["an empty line at its end", "a = 1\n\n"],
  ])("is added to a file with %s, is read there, and comes out again, every other byte kept", (_, text) => {
    const edit = putTomlEntry(text, TABLES, CODEX);
    const next = edited(text, edit);

    expect(readTomlEntry(next, TABLES)).toEqual(CODEX);
    expect(next.startsWith(text)).toBe(true);
    expect(undo(next, edit)).toBe(text);
    const without = removeTomlEntry(next);
    expect(parseToml(without ? edited(next, without) : "")).toEqual(parseToml(text));
    expect(edited(next, putTomlEntry(next, TABLES, CODEX))).toBe(next);
    if (text.includes("\r\n")) expect(next.replaceAll("\r\n", "")).not.toContain("\n");
  });

  it("is found by its marks when others wrote below it and above", () => {
    const ours = edited("a = 1\n", putTomlEntry("a = 1\n", TABLES, { command: "old" }));
    const later = `# top\n${ours}\n[z]\ny = 1\n`;
    const next = edited(later, putTomlEntry(later, TABLES, CODEX));
    expect(parseToml(next)).toEqual({ a: 1, mcp_servers: { credbroker: CODEX }, z: { y: 1 } });
    const edit = removeTomlEntry(next);
    expect(parseToml(edited(next, edit!))).toEqual({ a: 1, z: { y: 1 } });
  });

  it.each<[string, string]>([
    ["[mcp_servers.credbroker]\ncommand = 'mine'\n", "Conflict"],
    ['mcp_servers = { a = { command = "x" } }\n', "Conflict"],
    ["not toml at all\n", "ConfigInvalid"],
  ])("is not written into %s", async (text, code) => {
    const error = await brokerErrorOf(async () => Promise.resolve(putTomlEntry(text, TABLES, CODEX)));
    expect(error.code).toBe(code);
  });
});

describe("what --dry-run shows", () => {
  it("is a diff that patch takes: three lines around, and whether the last line has an end", () => {
    const text = "1\n2\n3\n4\n5\n6\n7\n8";
    expect(unifiedDiff("/f", text, { offset: 8, replaced: "5", inserted: "five\nand" })).toBe(
      "--- /f\n+++ /f\n@@ -2,7 +2,8 @@\n 2\n 3\n 4\n-5\n+five\n+and\n 6\n 7\n 8\n\\ No newline at end of file",
    );
    expect(unifiedDiff("/f", "", { offset: 0, replaced: "", inserted: "a\n" })).toBe(
      "--- /f\n+++ /f\n@@ -0,0 +1,1 @@\n+a",
    );
  });
});
