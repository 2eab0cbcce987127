import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runToEnd } from "./support/processes.js";
import { tempDir } from "./support/temp-dir.js";

interface Locked {
  readonly version: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
}

/** Of package-lock.json, by the path in node_modules: what an installation of the package gets. */
function production(): readonly (readonly [string, Locked])[] {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    readonly packages: Readonly<Record<string, Locked>>;
  };
  return Object.entries(packages)
    .filter(([path, { dev = false }]) => path !== "" && !dev)
    .map(([path, locked]) => [path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length), locked]);
}

describe("what the package brings with it", () => {
  it("is named whole in the bill of materials that npm run sbom writes: name, version, licence and hash", async () => {
    const file = join(tempDir("sbom"), "sbom.json");
    const { code, stderr } = await runToEnd([process.execPath, "--import", "tsx", "scripts/sbom.ts", file], {
      env: { PATH: process.env["PATH"] ?? "", HOME: tempDir("home") },
      cwd: ".",
    });
    expect([code, stderr]).toEqual([0, ""]);
    const bom = JSON.parse(readFileSync(file, "utf8")) as {
      readonly bomFormat: string;
      readonly metadata: { readonly component: { readonly name: string; readonly version: string } };
      readonly components: readonly {
        readonly name: string;
        readonly version: string;
        readonly licenses?: readonly { readonly license?: { readonly id?: string }; readonly expression?: string }[];
        readonly hashes?: readonly { readonly content: string }[];
      }[];
    };
    expect(bom).toMatchObject({ bomFormat: "CycloneDX", metadata: { component: { name: "credbroker" } } });

    const named = new Map(
      bom.components.map(({ name, version, licenses = [], hashes = [] }) => [
        `${name}@${version}`,
        { licence: licenses[0]?.license?.id ?? licenses[0]?.expression, hash: hashes[0]?.content },
      ]),
    );
    const wanted = production().map(([name, { version, license, integrity = "" }]) => [
      `${name}@${version}`,
      { licence: license, hash: Buffer.from(integrity.replace("sha512-", ""), "base64").toString("hex") },
    ]);
    expect(wanted.length).toBeGreaterThan(50);
    expect(Object.fromEntries(named)).toEqual(Object.fromEntries(wanted));
  });

  it("runs nothing at install, is locked by hash, and depends on exact versions", () => {
    const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as {
      readonly dependencies: Readonly<Record<string, string>>;
    };
    expect(Object.entries(dependencies).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
    expect(production().filter(([, { hasInstallScript = false }]) => hasInstallScript)).toEqual([]);
    expect(production().filter(([, { integrity = "" }]) => !integrity.startsWith("sha512-"))).toEqual([]);
  });
});
