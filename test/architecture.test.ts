import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { cruise, type ICruiseOptions, type ICruiseResult } from "dependency-cruiser";
import { describe, expect, it } from "vitest";
import { tempDir } from "./support/temp-dir.js";

const rules = createRequire(import.meta.url)("../.dependency-cruiser.cjs") as { forbidden: unknown[] };
const options = {
  validate: true,
  ruleSet: { forbidden: rules.forbidden },
  tsPreCompilationDeps: true,
  doNotFollow: { path: "node_modules" },
} as ICruiseOptions;

async function cruised(baseDir: string): Promise<ICruiseResult["summary"]> {
  const { output } = await cruise(["src"], { ...options, baseDir });
  return (output as ICruiseResult).summary;
}

describe("the layers", () => {
  it("are kept by every file there is", async () => {
    const files = readdirSync("src", { recursive: true }).filter((name) => String(name).endsWith(".ts"));
    const summary = await cruised(process.cwd());
    expect(summary.violations).toEqual([]);
    // A parser that fails reads nothing and finds nothing: it must have seen all of it.
    expect(summary.totalCruised).toBeGreaterThanOrEqual(files.length);
  });

  it.each([
    ["core-imports-nothing", "core/a.ts", "system/b.ts"],
    ["surroundings-know-no-services", "aws/a.ts", "leases/b.ts"],
    ["surroundings-stand-apart", "aws/a.ts", "secrets/b.ts"],
    ["surroundings-take-system-by-type", "aws/a.ts", "system/b.ts"],
    ["services-know-no-transport", "leases/a.ts", "endpoint/b.ts"],
    ["services-take-surroundings-by-type", "leases/a.ts", "secrets/b.ts"],
    ["transports-take-services-by-type", "endpoint/a.ts", "leases/b.ts"],
    ["endpoint-apart-from-control", "endpoint/a.ts", "control/b.ts"],
    ["control-apart-from-endpoint", "control/a.ts", "endpoint/b.ts"],
    ["daemon-apart-from-cli", "daemon/a.ts", "cli/b.ts"],
    ["cli-speaks-only-through-the-socket", "cli/a.ts", "secrets/b.ts"],
    ["nobody-imports-an-entry", "daemon/a.ts", "brokerd.ts"],
  ])("catch a planted violation of %s", async (rule, from, to) => {
    const root = tempDir("layers");
    const plant = (file: string, text: string): void => {
      mkdirSync(dirname(join(root, "src", file)), { recursive: true });
      writeFileSync(join(root, "src", file), text);
    };
    plant(to, "export const b = 1;\n");
    const up = "../";
    plant(from, `import { b } from "${up}${to.replace(/\.ts$/, ".js")}";\nexport const a = b;\n`);
    const { violations } = await cruised(root);
    expect(violations.map((violation) => violation.rule.name)).toContain(rule);
  });
});
