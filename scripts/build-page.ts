import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type BuildResult, build } from "esbuild";

export interface BuiltPage extends BuildResult<{ metafile: true; write: false }> {
  /** By path below `dist`. */
  readonly texts: Readonly<Record<string, string>>;
}

/** The page of `brokerctl ui`, in `dist/page`: a script, a style sheet and what names them; nothing of it is inline. */
export async function buildPage(): Promise<BuiltPage> {
  const result = await build({
    entryPoints: ["src/page/page.tsx", "src/page/page.css"],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    // What has <dialog>, :has() and subgrid.
    target: ["chrome117", "firefox121", "safari17.2"],
    tsconfig: "src/page/tsconfig.json",
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
    outdir: "dist/page",
    preserveSymlinks: true,
    write: false,
  });
  const files = result.outputFiles.map(({ path, text }) => [join("page", path.slice(path.lastIndexOf("/") + 1)), text]);
  const copied = ["index.html", "icon.svg"].map((name) => [
    join("page", name),
    readFileSync(join("src/page", name), "utf8"),
  ]);
  const texts = Object.fromEntries([...files, ...copied]) as Readonly<Record<string, string>>;
  return { ...result, texts };
}
