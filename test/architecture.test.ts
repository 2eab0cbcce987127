import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { cruise, type ICruiseOptions, type ICruiseResult } from "dependency-cruiser";
import { describe, expect, it } from "vitest";
import { tempDir } from "./support/temp-dir.js";

interface Rule {
  readonly name: string;
  readonly from: object;
  readonly to: object;
}

const rules = (createRequire(import.meta.url)("../.dependency-cruiser.cjs") as { forbidden: readonly Rule[] })
  .forbidden;
const options = {
  validate: true,
  ruleSet: { forbidden: rules },
  tsPreCompilationDeps: true,
  doNotFollow: { path: "node_modules" },
} as ICruiseOptions;

async function cruised(baseDir: string): Promise<ICruiseResult["summary"]> {
  const { output } = await cruise(["src"], { ...options, baseDir });
  return (output as ICruiseResult).summary;
}

/** Files by path below the root, with what each imports; `type:` before the name: by type only. */
type Planted = Readonly<Record<string, readonly string[]>>;

/** One violation of each rule; what is imported from node_modules is a package with that one file. */
const VIOLATIONS: Readonly<Record<string, Planted>> = {
  "no-cycles": { "core/a.ts": ["core/b.ts"], "core/b.ts": ["core/a.ts"] },
  "no-orphans": { "core/a.ts": [] },
  "core-imports-nothing": { "core/a.ts": ["files/b.ts"] },
  "core-has-no-packages": { "core/a.ts": ["yaml"] },
  "files-stand-on-core": { "files/a.ts": ["type:system/b.ts"] },
  "l1-knows-no-services": { "aws/a.ts": ["leases/b.ts"] },
  "l1-folders-stand-apart": { "aws/a.ts": ["secrets/b.ts"] },
  "l1-takes-system-by-type": { "aws/a.ts": ["system/b.ts"] },
  "services-know-no-transport": { "leases/a.ts": ["endpoint/b.ts"] },
  "services-stand-apart": { "lambda/a.ts": ["leases/b.ts"] },
  "services-take-l1-by-type": { "leases/a.ts": ["secrets/b.ts"] },
  "transports-take-services-by-type": { "endpoint/a.ts": ["leases/b.ts"] },
  "endpoint-apart-from-control": { "endpoint/a.ts": ["control/b.ts"] },
  "control-apart-from-endpoint": { "control/a.ts": ["endpoint/b.ts"] },
  "lease-socket-is-a-transport": { "lease-socket/a.ts": ["daemon/b.ts"] },
  "ui-is-a-transport": { "ui/a.ts": ["endpoint/b.ts"] },
  "lease-socket-and-ui-take-control-by-type": { "lease-socket/a.ts": ["control/b.ts"] },
  "daemon-apart-from-cli": { "daemon/a.ts": ["cli/b.ts"] },
  "cli-speaks-only-through-the-socket": { "cli/a.ts": ["secrets/b.ts"] },
  "only-forward-listens": { "cli/a.ts": ["http/b.ts"] },
  "cli-stays-light": { "cli/a.ts": ["zod"] },
  "page-is-for-a-browser": { "page/a.ts": ["system/b.ts"] },
  "page-has-no-node": { "page/a.ts": ["node:fs"] },
  "page-is-built-apart": { "control/a.ts": ["type:page/b.ts"] },
  "entries-are-not-imported": { "daemon/a.ts": ["brokerd.ts"] },
  "only-aws-imports-the-sdk": { "credentials/a.ts": ["@aws-sdk/client-sts"] },
  "only-secrets-imports-the-keyring": { "daemon/a.ts": ["@napi-rs/keyring"] },
  "only-config-control-and-mcp-import-zod": { "http/a.ts": ["zod"] },
  "only-mcp-imports-its-sdk": { "daemon/a.ts": ["@modelcontextprotocol/server"] },
  "mcp-is-loaded-when-it-is-served": { "cli/a.ts": ["cli/mcp/serve.ts"] },
};

/** What the same rules let through: by type where only values are refused, and the folders that may. */
const ALLOWED: readonly (readonly [what: string, planted: Planted])[] = [
  ["files by value, from every layer", { "aws/a.ts": ["files/b.ts"], "leases/a.ts": ["files/b.ts"] }],
  ["files by value, from the CLI and the endpoint", { "cli/a.ts": ["files/b.ts"], "endpoint/a.ts": ["files/b.ts"] }],
  ["system by type, from L1 and L2", { "aws/a.ts": ["type:system/b.ts"], "leases/a.ts": ["type:system/b.ts"] }],
  ["services of each other by type", { "lambda/a.ts": ["type:leases/b.ts"] }],
  ["services by type, from a transport", { "endpoint/a.ts": ["type:leases/b.ts"] }],
  [
    "the endpoint by value and control by type, from a lease's socket",
    { "lease-socket/a.ts": ["endpoint/b.ts", "type:control/c.ts"] },
  ],
  [
    "the SDK in aws, the keyring in secrets",
    { "aws/a.ts": ["@aws-sdk/client-sts"], "secrets/a.ts": ["@napi-rs/keyring"] },
  ],
  ["zod and MCP's SDK in the MCP server", { "cli/mcp/a.ts": ["zod", "@modelcontextprotocol/server"] }],
  ["zod in config and control", { "config/a.ts": ["zod"], "control/a.ts": ["zod"] }],
];

const isTopLevelFile = (name: string): boolean => name.endsWith(".ts");

function plant(planted: Planted): string {
  const root = tempDir("layers");
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const target of new Set(Object.values(planted).flat())) {
    const name = target.replace(/^type:/, "");
    if (isTopLevelFile(name)) write(`src/${name}`, "export const value = 1;\n");
    else {
      write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: "1.0.0", main: "index.js" }));
      write(`node_modules/${name}/index.js`, "exports.value = 1;\n");
    }
  }
  for (const [file, targets] of Object.entries(planted)) {
    const imports = targets.map((target, index) => {
      const name = target.replace(/^type:/, "");
      const specifier = isTopLevelFile(name) ? `../${name.replace(/\.ts$/, ".js")}` : name;
      const what = target.startsWith("type:") ? `type { value as v${index} }` : `{ value as v${index} }`;
      return `import ${what} from "${specifier}";\nexport const a${index}: typeof v${index} = 1;\n`;
    });
    write(`src/${file}`, `${imports.join("")}export const value = 1;\n`);
  }
  return root;
}

describe("the layers", () => {
  it("are kept by every file there is", async () => {
    const files = readdirSync("src", { recursive: true }).filter((name) => /\.tsx?$/.test(String(name)));
    const summary = await cruised(process.cwd());
    expect(summary.violations).toEqual([]);
    // A parser that fails reads nothing and finds nothing: it must have seen all of it.
    expect(summary.totalCruised).toBeGreaterThanOrEqual(files.length);
  });

  it("have a planted violation for each rule, and none for a rule that is not there", () => {
    expect(Object.keys(VIOLATIONS).toSorted()).toEqual(rules.map(({ name }) => name).toSorted());
  });

  it.each(Object.entries(VIOLATIONS))("catch a planted violation of %s", async (rule, planted) => {
    const { violations } = await cruised(plant(planted));
    expect(violations.map((violation) => violation.rule.name)).toContain(rule);
  });

  it.each(ALLOWED)("let pass %s", async (_what, planted) => {
    const { violations } = await cruised(plant(planted));
    expect(violations.map((violation) => violation.rule.name)).toEqual([]);
  });

  it("name only folders and entries that exist", () => {
    const text = readFileSync(".dependency-cruiser.cjs", "utf8");
    const lists = [...text.matchAll(/^const L\d = "([^"]+)"/gm)].map(([, list = ""]) => list);
    const paths = [
      ...JSON.stringify(rules.map(({ from, to }) => [from, to])).matchAll(/\^src\/(?:\(([^)]*)\)|([a-z-]+)\/)/g),
    ];
    const named = [...lists, ...paths.map(([, group, folder]) => group ?? folder ?? "")]
      .flatMap((group) => group.split("|"))
      .map((name) => name.replace(/^\?!/, "").replace(/\/$/, ""))
      .filter((name) => name !== "$1");
    expect(lists).toHaveLength(2);
    expect(named.length).toBeGreaterThan(40);
    expect(named.filter((name) => !existsSync(join("src", name)) && !existsSync(join("src", `${name}.ts`)))).toEqual(
      [],
    );
  });

  it("place every folder", () => {
    const folders = readdirSync("src", { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const rows = readFileSync("CONTRIBUTING.md", "utf8").match(/^\| L[\d.]+ \|.*$/gm) ?? [];
    const placed = rows.flatMap((row) =>
      [...(row.split("|")[2] ?? "").matchAll(/`([a-z-]+)`/g)].map(([, folder]) => folder),
    );
    expect(placed.toSorted()).toEqual(folders.map(({ name }) => name).toSorted());
  });
});
