import { readFileSync } from "node:fs";
import type { Metafile } from "esbuild";

/** What esbuild says of its outputs, and in which files of `dist` they are. */
export function metafile(): Metafile & { readonly files: Readonly<Record<string, readonly string[]>> } {
  return JSON.parse(readFileSync("dist/metafile.json", "utf8")) as ReturnType<typeof metafile>;
}

/** The file in `dist/chunks` that holds the code of a source file for a program. */
export function chunkOf(source: string, program: "brokerd" | "brokerctl"): string {
  const { outputs, files } = metafile();
  const holders = Object.keys(outputs).filter((output) => source in (outputs[output]?.inputs ?? {}));
  const places = holders.flatMap((output) => files[output] ?? []).filter((file) => file.startsWith("dist/chunks/"));
  const found =
    places.find((file) => [`dist/chunks/${program}.js`, `dist/chunks/${program}-rest.js`].includes(file)) ??
    places.find((file) => !/brokerd|brokerctl/.test(file));
  if (found === undefined) throw new Error(`no chunk holds ${source}`);
  return found;
}
