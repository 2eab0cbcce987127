import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { type BuildOptions, type BuildResult, build, type Metafile, type Plugin } from "esbuild";
import { buildPage } from "./build-page.js";
import { leanerPackages } from "./leaner-packages.js";
import { manPages } from "./man.js";
import { pack } from "./pack-chunks.js";
import { thirdPartyText } from "./third-party.js";

/**
 * `npm run build`: what runs, in `dist`. Both programs are CommonJS: Node is quicker to start it than modules, and V8's compiled
 * code can be kept for it under every Node. What is first needed later lies in `dist/chunks`. Types are not looked at; that
 * does `npm run typecheck`.
 */
const SOURCE = resolve("src");
const OUT = "dist";
const options = {
  bundle: true,
  platform: "node",
  target: "node20.19",
  // Native code: its package finds what fits the machine.
  external: ["@napi-rs/keyring"],
  legalComments: "inline",
  logLevel: "warning",
  metafile: true,
  // Its other form, the one that Node finds by its name, cannot be bundled.
  alias: { "jsonc-parser": resolve("node_modules/jsonc-parser/lib/esm/main.js") },
  outdir: OUT,
  // A node_modules that is a link: names of chunks and comments would tell where it leads.
  preserveSymlinks: true,
  write: false,
} as const satisfies BuildOptions;

rmSync(OUT, { recursive: true, force: true });
const programs = await build({
  ...options,
  entryPoints: ["src/brokerd.ts", "src/brokerctl.ts"],
  // Only modules can be split; they become CommonJS when they are packed.
  ...{ format: "esm", splitting: true, chunkNames: "chunks/[name]-[hash]" },
  plugins: [leanerPackages(), addressesAsInSource()],
});
// Processes of their own, one file each. A function's code is started by a module, as in Lambda.
const keychainChild = await build({
  ...options,
  entryPoints: ["src/keychain-child.ts"],
  ...{ format: "cjs", supported: { "dynamic-import": false } },
});
const lambdaBootstrap = await build({
  ...options,
  entryPoints: ["src/lambda-bootstrap.ts"],
  ...{ format: "esm", outExtension: { ".js": ".mjs" } },
});
const loader = await build({ ...options, entryPoints: ["src/load-chunk.ts"], format: "cjs" });
const page = await buildPage();
const parts = [programs, keychainChild, lambdaBootstrap];

const files = await pack(programs, loader.outputFiles[0]?.text ?? "");
for (const [path, text] of Object.entries(files.texts)) write(path, text);
for (const [path, text] of Object.entries(page.texts)) write(join(OUT, path), text);
for (const { path, text } of [...keychainChild.outputFiles, ...lambdaBootstrap.outputFiles]) write(path, text);
for (const name of ["brokerd.js", "brokerctl.js"]) chmodSync(join(OUT, name), 0o755);
write(join(OUT, "package.json"), `${JSON.stringify({ type: "commonjs" })}\n`);
write(join(OUT, "THIRD-PARTY.txt"), thirdPartyText([...parts, page].map(({ metafile }) => metafile)));
write(join(OUT, "metafile.json"), JSON.stringify({ ...joined(parts), files: files.holding }));
const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { readonly version: string };
for (const [name, text] of Object.entries(await manPages(version))) write(join(OUT, "man", name), text);
const scripts = readdirSync("src/cli/shell").filter((name) => name.endsWith("sh"));
for (const name of ["runtime-api/lambda_bootstrap.py", ...scripts.map((name) => `cli/shell/${name}`)]) {
  cpSync(join("src", name), join(OUT, name));
}

/**
 * What a module reads by its own address (`new URL("./x.py", import.meta.url)`) lies in `dist` as it lies in `src`: a module's
 * address is the one that it would have there, whichever chunk it is in.
 */
function addressesAsInSource(): Plugin {
  return {
    name: "addresses as in source",
    setup(build) {
      build.onLoad({ filter: /\.[mj]?[jt]s$/ }, ({ path }) => {
        const source = readFileSync(path, "utf8");
        if (!source.includes("import.meta.url")) return undefined;
        const isOurs = path.startsWith(`${SOURCE}/`);
        const place = isOurs ? JSON.stringify(relative(SOURCE, path).replace(/\.ts$/, ".js")) : "";
        const contents = source.replaceAll("import.meta.url", `__address(${place})`);
        return { contents, loader: isOurs ? "ts" : "js" };
      });
    },
  };
}

function joined(results: readonly BuildResult<{ metafile: true }>[]): Metafile {
  const all = results.map(({ metafile }) => metafile);
  return {
    inputs: Object.assign({}, ...all.map(({ inputs }) => inputs)) as Metafile["inputs"],
    outputs: Object.assign({}, ...all.map(({ outputs }) => outputs)) as Metafile["outputs"],
  };
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
