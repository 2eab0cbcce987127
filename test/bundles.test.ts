import { readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { describe, expect, it } from "vitest";
import { metafile } from "./support/bundles.js";

const { outputs } = metafile();

/** A built file and all that it can ever load, but for what only `without` load. */
function reachable(entry: string, ...without: readonly string[]): readonly string[] {
  const found = new Set([entry]);
  for (const file of found)
    for (const { path, external } of outputs[file]?.imports ?? [])
      if (!external && !without.includes(path)) found.add(path);
  return [...found];
}

/** The one that holds the code of a source file. */
function holderOf(source: string): string {
  const found = Object.keys(outputs).filter((file) => sourcesOf([file]).includes(source));
  expect(found).toHaveLength(1);
  return found[0] ?? "";
}

/** The source files whose code a built file holds. */
function sourcesOf(files: readonly string[]): readonly string[] {
  return files.flatMap((file) =>
    Object.entries(outputs[file]?.inputs ?? {})
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([source]) => source),
  );
}

describe("what brokerctl can load", () => {
  it("holds nothing of the secret store, of what fetches credentials, of AWS's SDK, zod, YAML, Express and the keychain", () => {
    const [server, templates] = [holderOf("src/cli/mcp/serve.ts"), holderOf("src/cli/lambda/template/parse-yaml.ts")];
    const sources = sourcesOf(reachable("dist/brokerctl.js", server, templates));
    const foreign = sources.filter((source) =>
      /^src\/(?!cli\/|core\/|files\/|http\/|system\/|control-api\/|runtime-api\/|brokerctl\.ts)|^node_modules\/(?!@clack\/|jsonc-parser\/|picomatch\/|sisteransi\/|smol-toml\/|fast-)/.test(
        source,
      ),
    );
    expect(foreign).toEqual([]);
    expect(sources).toContain("src/cli/commands/status.ts");
  });

  it("has YAML for a template that is named", () => {
    const templates = holderOf("src/cli/lambda/template/parse-yaml.ts");
    expect(sourcesOf(reachable(templates))).toContain("node_modules/yaml/dist/index.js");
  });

  it("has the MCP server, and zod with it, in a file that one command loads when it serves", () => {
    const server = holderOf("src/cli/mcp/serve.ts");
    const loading = Object.entries(outputs).flatMap(([file, { imports }]) =>
      imports.filter(({ path }) => path === server).map(({ kind }) => [kind, sourcesOf([file])]),
    );
    expect(loading).toEqual([["dynamic-import", expect.arrayContaining(["src/cli/commands/mcp.ts"]) as unknown]]);
    expect(sourcesOf([server]).some((source) => source.startsWith("node_modules/@modelcontextprotocol/"))).toBe(true);
  });

  it("stands apart from the entry, which can tell that it is broken", () => {
    expect(sourcesOf(["dist/brokerctl.js"])).toEqual(["src/brokerctl.ts"]);
    const needed = outputs["dist/brokerctl.js"]?.imports.filter(({ kind }) => kind === "import-statement");
    expect(needed?.map(({ path }) => path)).toEqual(["node:fs"]);
  });
});

describe("the built programs", () => {
  it("take from outside what Node has, the keychain's native code, and one package that may be absent", () => {
    const taken = Object.values(outputs).flatMap(({ imports }) =>
      imports.filter(({ external }) => external).map(({ path }) => path),
    );
    const others = new Set(taken.filter((path) => !builtinModules.includes(path.replace(/^node:/, ""))));
    expect([...others].sort()).toEqual(["@napi-rs/keyring", "kerberos"]);
  });

  it("come with the licence of every package whose code they hold", () => {
    const packages = new Set(
      sourcesOf(Object.keys(outputs)).flatMap(
        (source) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(source)?.[0] ?? [],
      ),
    );
    const text = readFileSync("dist/THIRD-PARTY.txt", "utf8");
    const allowed = ["MIT", "Apache-2.0", "ISC", "0BSD", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0"];
    const missing = [...packages].filter((directory) => {
      const { name, version } = JSON.parse(readFileSync(`${directory}/package.json`, "utf8")) as Record<string, string>;
      return !allowed.some((license) => text.includes(`\n${name} ${version} (${license})\n`));
    });
    expect(missing).toEqual([]);
    expect(packages.size).toBeGreaterThan(80);
  });
});
