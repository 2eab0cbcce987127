import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { manPages } from "../scripts/man.js";
import { escaped, head, section, verbatim } from "../scripts/roff.js";
import type { Command } from "../src/cli/command.js";
import { COMMANDS } from "../src/cli/command-table.js";
import { flagOf } from "../src/cli/help.js";

const MANIFEST = JSON.parse(readFileSync("package.json", "utf8")) as {
  readonly version: string;
  readonly man: readonly string[];
};
/** Every command is loaded from its source. */
const HOOK_MS = 300_000;
const hasGroff = spawnSync("groff", ["--version"]).status === 0;

interface Rendered {
  readonly text: string;
  readonly warnings: string;
}

/** As `man` shows it, without the marks for bold and underlined; warnings of every kind. */
function rendered(page: string, device: "utf8" | "ascii"): Rendered {
  const args = ["-man", `-T${device}`, "-ww", "-rLL=400n", "-P-c", "-P-b", "-P-o", "-P-u"];
  const { stdout, stderr, status } = spawnSync("groff", args, { input: page, encoding: "utf8" });
  expect(status).toBe(0);
  return { text: stdout, warnings: stderr };
}

/** How lines are filled is no matter. */
function flat(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}

async function everyCommand(): Promise<readonly Command[]> {
  const loaders = Object.values(COMMANDS).flatMap((entry) => {
    const alone = entry.load === undefined ? [] : [entry.load];
    return "subcommands" in entry ? [...alone, ...Object.values(entry.subcommands).map(({ load }) => load)] : alone;
  });
  return Promise.all(loaders.map(async (load) => load()));
}

let pages: Readonly<Record<string, string>>;
let commands: readonly Command[];
beforeAll(async () => {
  pages = await manPages(MANIFEST.version);
  commands = await everyCommand();
}, HOOK_MS);

describe("the man pages", () => {
  it("are those that package.json tells npm to link", () => {
    expect(Object.keys(pages).map((name) => `dist/man/${name}`)).toEqual(MANIFEST.man);
  });

  it("are in ASCII, so that no locale can spoil them", () => {
    for (const page of Object.values(pages)) expect(page).toMatch(/^[\n -~]*$/);
  });

  it("name every flag and variable of brokerd", () => {
    const source = readFileSync("src/brokerd.ts", "utf8");
    const usage = /const USAGE = `([^]*?)`;/.exec(source)?.[1] ?? "";
    const named = new Set(usage.match(/--[a-z][a-z-]+|CREDBROKER_[A-Z_]+/g));
    expect(named.size).toBeGreaterThan(10);
    const read = source.match(/CREDBROKER_[A-Z_]+/g) ?? [];
    const missing = [...named, ...read].filter((name) => !pages["brokerd.8"]?.includes(escaped(name)));
    expect(missing).toEqual([]);
  });
});

describe.runIf(hasGroff || process.env["CI"])("as groff shows them", () => {
  it.each(["utf8", "ascii"] as const)("there is no warning, in %s", (device) => {
    for (const page of Object.values(pages)) expect(rendered(page, device).warnings).toBe("");
  });

  it("every command of the table is there, with its flags, its examples and its exit codes", () => {
    const text = flat(rendered(pages["brokerctl.1"] ?? "", "utf8").text);
    const as = (line: string): string => flat(line.replaceAll("…", "...").replaceAll(" · ", "; "));
    const missing = commands.flatMap(({ name, options, examples, exitCodes = [] }) => {
      const flags = Object.entries(options).map(([flag, spec]) => flagOf(flag, spec));
      const codes = exitCodes.map((line) => line.replaceAll("`", ""));
      const expected = [`brokerctl ${name}`, ...flags, ...examples, ...codes].map(as);
      return expected.filter((words) => !text.includes(words)).map((words) => `${name}: ${words}`);
    });
    expect(commands.length).toBeGreaterThan(60);
    expect(missing).toEqual([]);
    for (const code of ["0 done", "3 brokerd not reachable", "5 refused"]) expect(text).toContain(code);
  });

  it("what roff would interpret is what was written", () => {
    const lines = [
      ".TH of nothing",
      "'quoted' at the head",
      "a\\nb \\fBc",
      "--flag-name -",
      "`x` ^C ~/.aws",
      'eval "$(env)"',
    ];
    const page = [head({ name: "x", section: "1", version: "0" }), section("Name"), verbatim(lines), ""].join("\n");
    const { text, warnings } = rendered(page, "utf8");
    const shown = text.split("\n").map((line) => line.trim());
    expect(warnings).toBe("");
    expect(lines.filter((line) => !shown.includes(line))).toEqual([]);
  });
});
