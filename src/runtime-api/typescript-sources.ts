import { existsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";

/** A handler whose only source is TypeScript, and what of the project's own runs it. */
export interface TypescriptSources {
  /** For Node, before the program. */
  readonly nodeFlags: readonly string[];
  /** For the client of Node functions: `tsx`, or where esbuild is. */
  readonly loadedBy: string;
  /** For the user. */
  readonly note: string;
}

const BUILT = ["", ".js", ".mjs", ".cjs"];
const SOURCES = [".ts", ".mts", ".cts"];

/** undefined: there is something built, or no source, or nothing here that could run it. Nothing is installed. */
export function typescriptSources(taskRoot: string, handler: string): TypescriptSources | undefined {
  const path = resolve(taskRoot, dirname(handler), basename(handler).split(".")[0] ?? "");
  const source = SOURCES.map((extension) => path + extension).find((file) => existsSync(file));
  if (source === undefined || BUILT.some((extension) => isFile(path + extension))) return undefined;
  const name = relative(taskRoot, source);
  const [tsx, esbuild] = ["tsx", "esbuild"].map((tool) => toolOf(taskRoot, tool));
  const note = (tool: string): string =>
    `${name} runs by the project's ${tool}: what your build makes of it may differ`;
  if (tsx !== undefined) {
    return { nodeFlags: ["--import", pathToFileURL(tsx).href], loadedBy: "tsx", note: note("tsx") };
  }
  return esbuild === undefined ? undefined : { nodeFlags: [], loadedBy: esbuild, note: note("esbuild") };
}

/** The file that the package exports, in the node_modules of the task root or of a directory above it that is the user's own. */
function toolOf(taskRoot: string, tool: string): string | undefined {
  for (let directory = taskRoot; ; directory = dirname(directory)) {
    if (!isOwn(directory)) return undefined;
    if (existsSync(join(directory, "node_modules", tool, "package.json"))) {
      return createRequire(join(directory, "handler.js")).resolve(tool);
    }
    if (dirname(directory) === directory) return undefined;
  }
}

const WRITABLE_BY_OTHERS = 0o002;

/** What lies in `/tmp/node_modules` may be another user's. */
function isOwn(directory: string): boolean {
  const { uid, mode } = statSync(directory);
  return (mode & WRITABLE_BY_OTHERS) === 0 && (uid === process.getuid?.() || uid === 0);
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
