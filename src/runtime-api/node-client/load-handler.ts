import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { loadTypescript } from "./load-typescript.js";
import { RuntimeFault } from "./runtime-fault.js";

/**
 * The function that `DIRECTORY/FILE.EXPORT` names, found and loaded by Lambda's rules: the first dot of the last part ends
 * the file's name, the export may be nested (`app.api.get`); FILE as it is, then .js (an ES module where the nearest package.json
 * says so), .mjs, .cjs, then as a package. `typescript` says what loads a source
 * that was not built: `tsx`, which Node was started with, or where esbuild is. Throws `RuntimeFault`, or what the module itself throws.
 */
export async function loadHandler(
  taskRoot: string,
  handler: string,
  typescript?: string,
): Promise<(...args: unknown[]) => unknown> {
  const { directory, file, exportPath } = parseHandler(handler);
  const module = await loadModule(taskRoot, { directory, file, typescript });
  const found = exportPath.split(".").reduce((object: unknown, key) => property(object, key), module);
  if (typeof found === "function") return found as (...args: unknown[]) => unknown;
  throw new RuntimeFault(
    "HandlerNotFound",
    found === undefined || found === null ? `${handler} is undefined or not exported` : `${handler} is not a function`,
  );
}

interface HandlerName {
  readonly directory: string;
  readonly file: string;
  readonly exportPath: string;
}

function parseHandler(handler: string): HandlerName {
  if (handler.includes("..")) {
    throw new RuntimeFault("MalformedHandlerName", `'${handler}' is not a valid handler name: it contains '..'`);
  }
  const [, file, exportPath] = /^([^.]*)\.(.*)$/.exec(basename(handler)) ?? [];
  if (file === undefined || exportPath === undefined) {
    throw new RuntimeFault("MalformedHandlerName", `Bad handler '${handler}': it has the form FILE.EXPORT`);
  }
  return { directory: dirname(handler), file, exportPath };
}

function property(object: unknown, key: string): unknown {
  if (object === undefined || object === null) return undefined;
  return (object as Record<string, unknown>)[key];
}

interface Wanted extends Pick<HandlerName, "directory" | "file"> {
  readonly typescript: string | undefined;
}

async function loadModule(taskRoot: string, wanted: Wanted): Promise<unknown> {
  const { directory, file } = wanted;
  try {
    return await loadFirstFound(taskRoot, wanted);
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new RuntimeFault("UserCodeSyntaxError", `SyntaxError: ${error.message}`, error);
    }
    const code = (error as NodeJS.ErrnoException | null)?.code;
    // Lambda reports only what `require` does not find so; what `import` does not find stays an `Error`.
    if (code !== "MODULE_NOT_FOUND") throw error;
    const { message } = error as Error;
    throw new RuntimeFault(
      "ImportModuleError",
      `Error: ${message}${buildHint(join(taskRoot, directory, file))}`,
      error,
    );
  }
}

async function loadFirstFound(taskRoot: string, { directory, file, typescript }: Wanted): Promise<unknown> {
  const require = createRequire(join(taskRoot, "handler.js"));
  const path = resolve(taskRoot, directory, file);
  const script = `${path}.js`;
  if (existsSync(path)) return require(path);
  if (existsSync(script)) return isModulePackage(dirname(script)) ? importFile(script) : require(script);
  if (existsSync(`${path}.mjs`)) return importFile(`${path}.mjs`);
  if (existsSync(`${path}.cjs`)) return require(`${path}.cjs`);
  const source = typescript === undefined ? undefined : sourceOf(path);
  if (source !== undefined) return loadSource(source, typescript ?? "", require);
  return require(require.resolve(file, { paths: [taskRoot, join(taskRoot, directory)] }));
}

/** As a build of it would be: an ES module by its extension, else by its package. */
function loadSource(source: string, typescript: string, require: NodeJS.Require): Promise<unknown> {
  const isModule = source.endsWith(".mts") || (source.endsWith(".ts") && isModulePackage(dirname(source)));
  if (typescript !== "tsx") return loadTypescript({ path: source, isModule }, typescript);
  return isModule ? importFile(source) : Promise.resolve(require(source));
}

function importFile(path: string): Promise<unknown> {
  return import(pathToFileURL(path).href);
}

/** Whether the package.json nearest to `directory` says `"type": "module"`. */
function isModulePackage(directory: string): boolean {
  const path = join(directory, "package.json");
  if (existsSync(path)) return property(JSON.parse(readFileSync(path, "utf8")), "type") === "module";
  const parent = dirname(directory);
  return parent !== directory && basename(parent) !== "node_modules" && isModulePackage(parent);
}

/** Lambda runs what was built: a directory of sources was not built, or is the wrong one. */
function buildHint(path: string): string {
  const source = sourceOf(path);
  const hint = "build it, and name the directory of what was built; or install tsx or esbuild beside it";
  return source === undefined ? "" : `\nthere is ${source}: ${hint}`;
}

function sourceOf(path: string): string | undefined {
  return [".ts", ".mts", ".cts"].map((extension) => path + extension).find((candidate) => existsSync(candidate));
}
