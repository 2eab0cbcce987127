import { isBuiltin } from "node:module";
import { basename, relative } from "node:path";

import { type BuildResult, type Metafile, transform } from "esbuild";

type Built = BuildResult<{ metafile: true; write: false }>;

export interface PackedFiles {
  /** By path, `dist/…`. */
  readonly texts: Readonly<Record<string, string>>;
  /** For tests: in which of them the code of each file of esbuild's is; what both programs have is in two. */
  readonly holding: Readonly<Record<string, readonly string[]>>;
}

interface Program {
  readonly name: string;
  /** The sources of which the first pack is made, with all that they import: what lies in the second is not even read for them. */
  readonly first: readonly string[];
  /** Whether its first lines stand outside of the pack, and can tell that this is broken. */
  readonly tells: boolean;
  /** When compiled code is kept. */
  readonly keeping: string;
}

const PROGRAMS: readonly Program[] = [
  {
    name: "brokerd",
    first: ["src/brokerd.ts", "src/daemon/daemon.ts", "src/config/parse-config.ts", "src/config/parse-around.ts"],
    tells: false,
    // It runs on: when it has started, and what it loads later, later.
    keeping: `const keepOne = () => setTimeout(keepOne, chunks.keep(1) ? 200 : 60_000).unref();
setTimeout(() => { chunks.hold(); chunks.add(); keepOne(); }, 5000).unref();`,
  },
  {
    name: "brokerctl",
    // What a shell waits for.
    first: [
      ...["status", "use", "env", "exec", "credential-process"].map((command) => `src/cli/commands/${command}.ts`),
      ...["src/cli/cli.ts", "src/cli/host.ts", "src/control-api/client.ts", "src/files/private-directory.ts"],
      ...["src/cli/access/find-lease.ts", "src/cli/daemon/own-supervisor.ts"],
    ],
    tells: true,
    keeping: 'process.on("exit", () => { chunks.add(); chunks.keep(); });',
  },
];
/** In bytes. A small chunk costs a program more as a file of its own than as a part of the pack. */
const LARGE = 65_000;

/** What esbuild split, as files that src/load-chunk.ts loads; `loader` is its code, which each program has at its head. */
export async function pack({ outputFiles, metafile }: Built, loader: string): Promise<PackedFiles> {
  const texts: Record<string, string> = {};
  const holding: Record<string, string[]> = {};
  const put = (chunk: string, file: string): void => void (holding[chunk] ??= []).push(file);
  const outsiders = PROGRAMS.filter(({ tells }) => tells).map(({ name }) => `dist/${name}.js`);
  const chunks = new Map<string, string>();
  for (const { path, text } of outputFiles) {
    const name = relative(process.cwd(), path);
    chunks.set(
      name,
      outsiders.includes(name)
        ? await asCommonJs(text, "place")
        : loadingBuiltinsWhenUsed(await asCommonJs(text, '"..", place')),
    );
  }
  for (const { name, first, tells, keeping } of PROGRAMS) {
    const entry = `dist/${name}.js`;
    const reached = reachable(entry, metafile).filter((chunk) => chunk !== entry || !tells);
    const large = reached.filter((chunk) => chunk !== entry && (chunks.get(chunk)?.length ?? 0) > LARGE);
    const small = reached.filter((chunk) => !large.includes(chunk));
    const early = loadedWith(first, metafile);
    const packs = {
      [`${name}.js`]: small.filter((chunk) => early.has(chunk)),
      [`${name}-rest.js`]: small.filter((chunk) => !early.has(chunk)),
    };
    for (const chunk of large) texts[chunk] = chunks.get(chunk) ?? "";
    for (const chunk of large) put(chunk, chunk);
    if (tells) put(entry, entry);
    for (const [pack, held] of Object.entries(packs)) {
      texts[`dist/chunks/${pack}`] = packOf(held, chunks);
      for (const chunk of held) put(chunk, `dist/chunks/${pack}`);
    }
    const builtins = [...new Set([...large, ...small].flatMap((chunk) => builtinsIn(chunks.get(chunk) ?? "")))].sort();
    const lists = `large: ${JSON.stringify(large.map((chunk) => basename(chunk)))}, builtins: ${JSON.stringify(builtins)}`;
    const options = `{ program: "${name}", dist: __dirname, require, ${lists} }`;
    const main = tells ? withoutShebang(chunks.get(entry) ?? "") : `chunks.load("${name}.js");\n`;
    texts[entry] = [
      "#!/usr/bin/env node",
      `const { ChunkLoader } = (function (module) {\n${loader}\nreturn module.exports;\n})({ exports: {} });`,
      `const chunks = new ChunkLoader(${options});`,
      keeping,
      main.replaceAll('require("./chunks/', 'chunks.load("'),
    ].join("\n");
  }
  return { texts, holding };
}

/** A program's first file and all that it can ever load, sorted. */
function reachable(entry: string, { outputs }: Metafile): readonly string[] {
  const found = new Set([entry]);
  for (const file of found) {
    for (const { path, external } of outputs[file]?.imports ?? []) if (external !== true) found.add(path);
  }
  return [...found].sort();
}

/** The files that hold these sources, and what is loaded with them. */
function loadedWith(sources: readonly string[], { outputs }: Metafile): ReadonlySet<string> {
  const holds = (file: string, source: string): boolean =>
    outputs[file]?.entryPoint === source || source in (outputs[file]?.inputs ?? {});
  const missing = sources.find((source) => !Object.keys(outputs).some((file) => holds(file, source)));
  if (missing !== undefined) throw new Error(`no chunk holds ${missing}`);
  const found = new Set(Object.keys(outputs).filter((file) => sources.some((source) => holds(file, source))));
  for (const file of found) {
    for (const { path, kind, external } of outputs[file]?.imports ?? [])
      if (external !== true && kind === "import-statement") found.add(path);
  }
  return found;
}

/** What esbuild defines above the exports of a file, and what of it a file may lack. */
const HEAD = /^"use strict";.*\n((?:(?!var stdin_exports).*\n)*)(?=var stdin_exports = \{\};\n)/;
const DEFINED = /^var (\w+) =/gm;
const KNOWN = [
  ...["__create", "__defProp", "__getOwnPropDesc", "__getOwnPropNames", "__getProtoOf", "__hasOwnProp"],
  ...["__export", "__copyProps", "__toESM", "__toCommonJS"],
];
const TAIL = /\/\/ Annotate the CommonJS export names for ESM import in node:\n0 && \(module\.exports = \{[^}]*\}\);\n/;

/**
 * One file; a chunk in it is compiled when it is loaded. What esbuild defines in each is there once, and exports are not copied:
 * those who import them are ours.
 */
function packOf(names: readonly string[], chunks: ReadonlyMap<string, string>): string {
  let longest = "";
  const bodies = names.map((name) => {
    const text = withoutShebang(chunks.get(name) ?? "").replace(TAIL, "");
    const [, head = ""] = HEAD.exec(text) ?? [];
    const isKnown = [...head.matchAll(DEFINED)].every(([, defined = ""]) => KNOWN.includes(defined));
    if (isKnown && head.length > longest.length) longest = head;
    const body = isKnown ? text.replace(head, "") : text;
    return `${JSON.stringify(basename(name))}(exports, require, module, __filename, __dirname, __node) {\n${body}\n},\n`;
  });
  if (!KNOWN.every((helper) => longest.includes(`var ${helper} =`)))
    throw new Error("esbuild defines other names than these");
  const shared = [
    longest,
    'var __toCommonJS = (mod) => __defProp(mod, "__esModule", { value: true });',
    "var __copied = __toESM;",
    "__toESM = (mod, ...rest) => (mod && mod.__esModule ? mod : __copied(mod, ...rest));",
  ];
  return `"use strict";\n${shared.join("\n")}\nmodule.exports = {\n${bodies.join("")}};\n`;
}

function withoutShebang(text: string): string {
  return text.replace(/^#!.*\n/, "");
}

/**
 * Strict, as modules are. Each module's name stays above its code, where a stack trace is read by it; but for comments esbuild
 * writes ASCII, so that a program takes bytes for characters. `place` is the way from the file's directory to one in `dist`.
 */
async function asCommonJs(text: string, place: string): Promise<string> {
  const named = text.replace(/^\/\/ (?=(?:src|node_modules)\/)/gm, "//! ");
  const file = `place === undefined ? __filename : require("node:path").join(__dirname, ${place})`;
  const address = `const __address = (place) => require("node:url").pathToFileURL(${file}).href;`;
  const { code } = await transform(named, {
    ...{ platform: "node", target: "node20.19", legalComments: "inline", logLevel: "warning" },
    ...{ format: "cjs", supported: { "dynamic-import": false } },
    banner: `"use strict";${named.includes("__address(") ? address : ""}`,
  });
  return code.replace(/^.*[\u0080-\uffff].*$/gm, (line) => {
    if (!/^\s*(?:\/\/|\/\*|\*)/.test(line)) throw new Error(`not ASCII, and no comment: ${line}`);
    return line.replace(/[\u0080-\uffff]/g, "?");
  });
}

/**
 * Node's own modules are loaded by the first use of them and not by the import: together they cost a command as much as its own
 * code, and each needs few. `__node` is from src/load-chunk.ts.
 */
function loadingBuiltinsWhenUsed(code: string): string {
  const names = new Map<string, string>();
  const without = code.replace(
    /^var (import_\w+) = require\("(?:node:)?([\w/]+)"\);\n/gm,
    (line: string, name: string, of: string) => {
      if (!isBuiltin(of)) return line;
      names.set(name, `__node[${JSON.stringify(of)}]`);
      return "";
    },
  );
  return without.replace(/\bimport_\w+\b/g, (name) => names.get(name) ?? name);
}

function builtinsIn(text: string): readonly string[] {
  return [...text.matchAll(/\b__node\["([\w/]+)"\]/g)].map(([, name = ""]) => name);
}
