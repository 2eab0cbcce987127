import {
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  type Stats,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { Script } from "node:vm";

/**
 * What the build puts at the head of both programs in place of Node's own `require` for their chunks. Small chunks of a program
 * lie in one file (the pack), large ones in files of their own; for each file V8's compiled code is kept in `dist/compiled`,
 * which may save most of a start. That directory is as much to be trusted as the code beside it, or is not used: ours, closed to
 * all others, and no link. Where the package is another user's (root's), nothing is kept, since we cannot make the directory.
 * Node's own compile cache is not used: Node 20 has none, and it trusts any directory.
 */
type Require = (id: string) => unknown;

type NodesOwn = [exports: object, require: Require, module: { exports: object }, file: string, directory: string];
type ChunkBody = (...parts: [...NodesOwn, builtins: object]) => void;

export interface LoaderOptions {
  /** `brokerd`: the name of the pack. */
  readonly program: string;
  /** Where both programs lie. */
  readonly dist: string;
  /** Node's, for packages and Node's own modules. */
  readonly require: Require;
  /** Of the program, those that have a file of their own. */
  readonly large: readonly string[];
  /** Node's own modules that its chunks use, without `node:`. */
  readonly builtins: readonly string[];
}

const OURS_ALONE = 0o700;
const FILE_OURS_ALONE = 0o600;
const MODE = 0o777;
const DIRECTORY = "compiled";

export class ChunkLoader {
  readonly large: readonly string[];
  readonly #options: LoaderOptions;
  /** Each is loaded by the first look at it. */
  readonly #builtins: object;
  readonly #modules = new Map<string, { exports: object }>();
  /** Of each file that was read. */
  readonly #scripts = new Map<
    string,
    { readonly script: Script; readonly key: string; readonly kept: readonly string[] }
  >();
  /** Files that were compiled anew, or of which more ran than is kept. */
  readonly #fresh = new Set<string>();
  /** By pack: the chunks that were loaded of it. */
  readonly #loaded = new Map<string, string[]>();
  /** Open files of large chunks that were not needed yet. */
  readonly #held = new Map<string, number>();
  /** What was read of the packs so far: the first, then the rest. */
  readonly #packs: Readonly<Record<string, ChunkBody>>[] = [];
  #directory: string | false | undefined;

  constructor(options: LoaderOptions) {
    this.#options = options;
    this.large = options.large;
    this.#builtins = builtinsOf(options);
  }

  /** The exports of a chunk, by its name with or without a path. */
  readonly load = (id: string): object => {
    const name = id.slice(id.lastIndexOf("/") + 1);
    const known = this.#modules.get(name);
    if (known) return known.exports;
    const module = { exports: {} };
    this.#modules.set(name, module);
    try {
      const chunks = `${this.#options.dist}/chunks`;
      this.#bodyOf(name)(module.exports, this.#require, module, `${chunks}/${name}`, chunks, this.#builtins);
    } catch (error) {
      this.#modules.delete(name);
      throw error;
    }
    return module.exports;
  };

  readonly #require: Require = (id) => (id.startsWith(".") ? this.load(id) : this.#options.require(id));

  #bodyOf(name: string): ChunkBody {
    if (this.large.includes(name)) return this.#compiled(name);
    const { program } = this.#options;
    for (const [index, pack] of [`${program}.js`, `${program}-rest.js`].entries()) {
      const body = (this.#packs[index] ??= this.#packIn(pack))[name];
      if (!body) continue;
      this.#loaded.get(pack)?.push(name);
      return body;
    }
    throw Object.assign(new Error(`Cannot find module '${name}'`), { code: "MODULE_NOT_FOUND" });
  }

  #packIn(file: string): Readonly<Record<string, ChunkBody>> {
    const module = { exports: {} };
    this.#loaded.set(file, []);
    this.#compiled(file)(module.exports, this.#require, module, "", "", this.#builtins);
    return module.exports;
  }

  /** Throws ENOENT where an installation is not whole. */
  #compiled(name: string): ChunkBody {
    const file = join(this.#options.dist, "chunks", name);
    const descriptor = this.#held.get(name) ?? openSync(file, "r");
    this.#held.delete(name);
    try {
      const key = keyOf(fstatSync(descriptor));
      // The build writes nothing but ASCII: a string of bytes is cheaper than one of UTF-8.
      const text = `(function (exports, require, module, __filename, __dirname, __node) {${readFileSync(descriptor, "latin1")}\n})`;
      const kept = this.#kept(name, key);
      const script = new Script(text, { filename: file, ...(kept && { cachedData: kept.code }) });
      const isUsed = kept !== undefined && script.cachedDataRejected !== true;
      this.#scripts.set(name, { script, key, kept: isUsed ? kept.chunks : [] });
      if (!isUsed) this.#fresh.add(name);
      return script.runInThisContext() as ChunkBody;
    } finally {
      closeSync(descriptor);
    }
  }

  /** Compiled code that this very Node made of this very file, and which chunks had run; anything else is as if it were not there. */
  #kept(name: string, key: string): { readonly code: Buffer; readonly chunks: readonly string[] } | undefined {
    const directory = this.#keptIn();
    if (directory === false) return undefined;
    try {
      const descriptor = openSync(join(directory, this.#keptAs(name)), "r");
      try {
        if (!isOursAlone(fstatSync(descriptor), FILE_OURS_ALONE)) return undefined;
        return keptIn(readFileSync(descriptor), key);
      } finally {
        closeSync(descriptor);
      }
    } catch {
      return undefined;
    }
  }

  /**
   * Keeps what was compiled until now, with what has run of it; of `most` files at once, for each holds up what else this process
   * does. True: there is more. Silent where it cannot: the next start takes longer, no more.
   */
  keep(most = Number.POSITIVE_INFINITY): boolean {
    if (this.#fresh.size === 0) return false;
    this.#directory = undefined;
    const directory = this.#keptIn() || this.#make();
    if (directory === false) this.#fresh.clear();
    else for (const name of [...this.#fresh].slice(0, most)) this.#keepOne(directory, name);
    return this.#fresh.size > 0;
  }

  #keepOne(directory: string, name: string): void {
    this.#fresh.delete(name);
    const compiled = this.#scripts.get(name);
    if (!compiled) return;
    const { script, key, kept } = compiled;
    const chunks = new Set([...kept, ...(this.#loaded.get(name) ?? [])]);
    write(join(directory, this.#keptAs(name)), toKeep(script.createCachedData(), [...chunks], key));
  }

  /** What is kept of a pack is of the commands that ran before: those that ran more add it. */
  add(): void {
    for (const [name, { kept }] of this.#scripts)
      if (this.#loaded.get(name)?.some((chunk) => !kept.includes(chunk))) this.#fresh.add(name);
  }

  /** For a program that runs on: what it loads later is what it was started with, also after an upgrade in the same place. */
  hold(): void {
    for (const name of this.large) {
      if (this.#held.has(name) || this.#modules.has(name)) continue;
      try {
        this.#held.set(name, openSync(join(this.#options.dist, "chunks", name), "r"));
      } catch {
        // Loading it will say so.
      }
    }
  }

  /** In a package of another user's (root runs it, say) a directory of ours would be in its owner's way. */
  #make(): string | false {
    const { dist } = this.#options;
    try {
      if (lstatSync(dist).uid === process.geteuid?.()) mkdirSync(join(dist, DIRECTORY), { mode: OURS_ALONE });
    } catch {
      // It cannot be made, or is there and cannot be trusted.
    }
    this.#directory = undefined;
    return this.#keptIn();
  }

  /** False: there is none, or none that can be trusted. */
  #keptIn(): string | false {
    if (this.#directory !== undefined) return this.#directory;
    const directory = join(this.#options.dist, DIRECTORY);
    try {
      const found = lstatSync(directory);
      this.#directory = found.isDirectory() && isOursAlone(found, OURS_ALONE) && directory;
    } catch {
      this.#directory = false;
    }
    return this.#directory;
  }

  /** V8 looks at its own version and options, and refuses what is of others; each has a file, so that they do not take turns. */
  #keptAs(name: string): string {
    const options = process.execArgv.join(" ").replace(/[^\w]+/g, "-");
    return `${this.#options.program}${name === `${this.#options.program}.js` ? "" : `-${name}`}-${process.version}-${process.arch}${options}`;
  }
}

function builtinsOf({ builtins, require }: LoaderOptions): object {
  const found = {};
  for (const name of builtins) {
    const get = (): unknown => {
      const value = require(`node:${name}`);
      Object.defineProperty(found, name, { value });
      return value;
    };
    Object.defineProperty(found, name, { get, configurable: true });
  }
  return found;
}

/** Changes with every write to the file, also where size and time stay. */
function keyOf({ size, mtimeMs, ctimeMs, ino }: Stats): string {
  return `${size} ${mtimeMs} ${ctimeMs} ${ino}\n`;
}

const DIGITS = 8;

/** Code, names of chunks, their length, a sum over both, the key of the source. */
function toKeep(code: Buffer, chunks: readonly string[], key: string): Buffer {
  const names = Buffer.from(chunks.join(","), "latin1");
  const summed = Buffer.concat([code, names, Buffer.from(hex(names.length))]);
  return Buffer.concat([summed, Buffer.from(sumOf(summed) + key)]);
}

function keptIn(data: Buffer, key: string): { readonly code: Buffer; readonly chunks: readonly string[] } | undefined {
  const end = data.length - key.length - DIGITS;
  if (end < DIGITS || data.toString("latin1", end + DIGITS) !== key) return undefined;
  const summed = data.subarray(0, end);
  if (data.toString("latin1", end, end + DIGITS) !== sumOf(summed)) return undefined;
  const namesEnd = end - DIGITS;
  const codeEnd = namesEnd - Number.parseInt(data.toString("latin1", namesEnd, end), 16);
  return { code: data.subarray(0, codeEnd), chunks: data.toString("latin1", codeEnd, namesEnd).split(",") };
}

const WORD = 4;
/** In words. */
const STRIDE = 16;

/**
 * V8 takes compiled code for whole, and dies of what is not, at each start anew. What a power cut leaves of a file is missing by
 * sectors: a word of each 64 bytes tells, in a part of the time that all of them would take.
 */
function sumOf(code: Buffer): string {
  // A view of the same bytes where they are aligned, as what was read of a file is: `getInt32` would take 3 ms in all.
  const { buffer, byteOffset, length } = code.byteOffset % WORD === 0 ? code : Buffer.from(code);
  const words = new Int32Array(buffer, byteOffset, Math.floor(length / WORD));
  let sum = length;
  for (let at = 0; at < words.length; at += STRIDE) sum = (Math.imul(sum, 31) + (words[at] ?? 0)) | 0;
  return hex(sum >>> 0);
}

function hex(number: number): string {
  return number.toString(16).padStart(DIGITS, "0");
}

function isOursAlone({ uid, mode, nlink }: Stats, wanted: number): boolean {
  const isLinked = wanted === FILE_OURS_ALONE && nlink !== 1;
  return uid === process.geteuid?.() && (mode & MODE) === wanted && !isLinked;
}

/** Whole or not at all, also where two write at once. */
function write(file: string, data: Buffer): void {
  const temporary = `${file}.${process.pid}`;
  try {
    writeFileSync(temporary, data, { mode: FILE_OURS_ALONE, flag: "wx" });
    renameSync(temporary, file);
  } catch {
    try {
      unlinkSync(temporary);
    } catch {
      // It was not even made.
    }
  }
}
