import Module, { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { RuntimeFault } from "./runtime-fault.js";

/** esbuild's own, as far as it is used here. */
interface Esbuild {
  readonly buildSync: (options: object) => { readonly outputFiles: readonly { readonly text: string }[] };
}

type LoadHook = (url: string, context: object, next: (url: string, context: object) => object) => object;

/** From Node 22.15 on. */
const { registerHooks } = Module as unknown as { readonly registerHooks?: (hooks: { load: LoadHook }) => void };

interface Source {
  readonly path: string;
  /** Of an ES module. */
  readonly isModule: boolean;
}

/**
 * A file of TypeScript with what it imports, bundled in memory by the project's esbuild, as builds for Lambda do; packages are loaded from
 * node_modules. Where Node cannot be given an ES module from memory, one becomes CommonJS.
 */
export async function loadTypescript({ path, isModule }: Source, esbuild: string): Promise<unknown> {
  const asModule = isModule && registerHooks !== undefined;
  const code = bundled(path, { esbuild, format: asModule ? "esm" : "cjs" });
  process.setSourceMapsEnabled(true);
  if (!asModule) return asCommonJs(path, code);
  const bundle = `${pathToFileURL(path).href}?bundle`;
  registerHooks({
    load: (url, context, next) =>
      url === bundle ? { format: "module", source: code, shortCircuit: true } : next(url, context),
  });
  return import(bundle);
}

function bundled(path: string, { esbuild, format }: { readonly esbuild: string; readonly format: string }): string {
  const { buildSync } = createRequire(esbuild)(esbuild) as Esbuild;
  try {
    const { outputFiles } = buildSync({
      ...{ entryPoints: [path], bundle: true, packages: "external", platform: "node", format, write: false },
      ...{ target: `node${process.versions.node}`, sourcemap: "inline", sourcesContent: false, logLevel: "silent" },
    });
    return outputFiles[0]?.text ?? "";
  } catch (error) {
    const { message } = error as Error;
    const name = message.includes("Could not resolve") ? "ImportModuleError" : "UserCodeSyntaxError";
    throw new RuntimeFault(name, `Error: ${message}`, error);
  }
}

/** As Node itself compiles a file. */
function asCommonJs(path: string, code: string): unknown {
  const module = new Module(path) as Module & { _compile: (code: string, path: string) => void };
  module.filename = path;
  module.paths = createRequire(path).resolve.paths("a-package") ?? [];
  module._compile(code, path);
  return module.exports;
}
