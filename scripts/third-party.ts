import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Metafile } from "esbuild";

interface BundledPackage {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** Its files of licence and notice, one after another. */
  readonly texts: string;
}

/** The packages of which the built programs hold code, each with its licence, sorted; what has the same text shares it. */
export function thirdPartyText(metafiles: readonly Metafile[]): string {
  const byText = new Map<string, BundledPackage[]>();
  for (const each of bundledPackages(metafiles)) byText.set(each.texts, [...(byText.get(each.texts) ?? []), each]);
  const parts = [...byText].map(([text, packages]) => `${packages.map(titleOf).join("\n")}\n\n${text.trim()}\n`);
  return [
    "The programs in this directory hold code of the packages below, each under the licence that follows its name.\n",
    ...parts,
  ].join(`\n${"=".repeat(80)}\n\n`);
}

function titleOf({ name, version, license }: BundledPackage): string {
  return `${name} ${version} (${license})`;
}

/** Throws where a package says no licence: then it must not be bundled. */
export function bundledPackages(metafiles: readonly Metafile[]): readonly BundledPackage[] {
  const inputs = metafiles.flatMap(({ outputs }) =>
    Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs)),
  );
  const directories = new Set(inputs.flatMap((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []));
  return [...directories].sort().map(readPackage);
}

function readPackage(directory: string): BundledPackage {
  const { name, version, license } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as {
    readonly name: string;
    readonly version: string;
    readonly license?: string;
  };
  const files = readdirSync(directory).filter((file) => /^(?:licen[cs]e|notice|copying)/i.test(file));
  if (license === undefined) throw new Error(`${directory} does not say its licence`);
  const texts = files.sort().map((file) => readFileSync(join(directory, file), "utf8").replaceAll("\r\n", "\n"));
  return { name, version, license, texts: texts.join("\n") || `Licensed under ${license}, without a text of its own.` };
}
