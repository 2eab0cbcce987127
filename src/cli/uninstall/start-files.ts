import { lstat, readdir, readFile, realpath, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { hasErrno } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import { printfEscapes } from "../../core/shell-quote.js";
import { READ_AT_ONCE, readRegularFile } from "../../files/read-small-file.js";
import { replaceFileIfUnchanged } from "../../files/replace-file.js";
import type { CliContext } from "../context.js";
import { quotedFor } from "../shell/shell-scripts.js";

/** A line of a shell's start file that has to do with us. */
export interface StartLine {
  /** From 1. */
  readonly line: number;
  /** A statement of ours that stands by itself: taking it out breaks nothing around it. */
  readonly removable: boolean;
  /** The statement; only of removable ones, whose form holds no secret. */
  readonly text: string | undefined;
}

/** A file of a shell, the user's own, with lines of ours in it. */
export interface StartFile {
  readonly path: string;
  readonly lines: readonly StartLine[];
  /** The file is nothing but our output, saved for the shell's completion. */
  readonly isCompletion: boolean;
}

type Home = Pick<CliContext, "env" | "homeDir" | "paths">;

const BASH = [".bashrc", ".bash_profile", ".bash_login", ".profile"];
const ZSH = [".zshrc", ".zprofile", ".zshenv", ".zlogin"];

/** Start files and completion files that speak of us; those that cannot be read are none. */
export async function findStartFiles(home: Home): Promise<readonly StartFile[]> {
  const startFiles = (await startFilesOf(home)).map((path) => lookInto(path, home));
  const completions = completionsOf(home).map(async (path): Promise<StartFile | undefined> => {
    const isOurs = (await readIfThere(path))?.includes("brokerctl") ?? false;
    return isOurs ? { path, lines: [], isCompletion: true } : undefined;
  });
  const found = await Promise.all([...startFiles, ...completions]);
  return oncePerFile(found.filter((file): file is StartFile => file !== undefined));
}

/**
 * Takes out what may be taken out; through a symbolic link, mode kept, whole or not at all. `Conflict`: the file was edited
 * while the user was asked, and the numbers may be those of other lines.
 */
export async function removeFromStartFile({ path, lines, isCompletion }: StartFile): Promise<void> {
  if (isCompletion) return rm(path);
  const text = await readRegularFile(path);
  const ours = lines.filter(({ removable }) => removable);
  if (!areStillThere(ours, text)) {
    throw new BrokerError("Conflict", `${path} is no longer what was read`, { hint: "run the command again" });
  }
  const numbers = ours.map(({ line }) => line);
  const next = withoutLines(text, numbers);
  // A file that was made for us alone, e.g. conf.d/credbroker.fish; a link is the user's arrangement.
  const isNamedForUs = /credbroker|brokerctl/.test(basename(path));
  if (next.trim() === "" && isNamedForUs && !(await lstat(path)).isSymbolicLink()) return rm(path);
  await replaceFileIfUnchanged({ path, expected: text, next });
}

function areStillThere(lines: readonly StartLine[], text: string): boolean {
  const held = text.split("\n");
  return lines.every(({ line, text: statement }) => held[line - 1]?.trim() === statement);
}

/** `.bash_profile` is often a link to `.bashrc`: lines taken out of one are gone from the other. */
async function oncePerFile(files: readonly StartFile[]): Promise<readonly StartFile[]> {
  const byPlace = new Map<string, StartFile>();
  for (const file of files) {
    const place = file.isCompletion ? file.path : await realpath(file.path).catch(() => file.path);
    if (!byPlace.has(place)) byPlace.set(place, file);
  }
  return [...byPlace.values()];
}

async function startFilesOf({ env, homeDir }: Home): Promise<readonly string[]> {
  const zsh = named(env["ZDOTDIR"]) ?? homeDir;
  const fish = fishDirectory({ env, homeDir });
  const configured = (await namesIn(join(fish, "conf.d"))).filter((name) => name.endsWith(".fish"));
  return [
    ...BASH.map((name) => join(homeDir, name)),
    ...ZSH.map((name) => join(zsh, name)),
    join(fish, "config.fish"),
    ...configured.map((name) => join(fish, "conf.d", name)),
  ];
}

/** Where `brokerctl completion SHELL > FILE` usually goes. */
function completionsOf({ env, homeDir }: Home): readonly string[] {
  const data = named(env["XDG_DATA_HOME"]) ?? join(homeDir, ".local", "share");
  return [
    join(fishDirectory({ env, homeDir }), "completions", "brokerctl.fish"),
    join(data, "bash-completion", "completions", "brokerctl"),
    ...[".zfunc", ".zsh/completions", ".zsh/functions"].map((directory) => join(homeDir, directory, "_brokerctl")),
  ];
}

function fishDirectory({ env, homeDir }: Pick<Home, "env" | "homeDir">): string {
  return join(named(env["XDG_CONFIG_HOME"]) ?? join(homeDir, ".config"), "fish");
}

/** An empty variable is an unset one. */
function named(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

async function lookInto(path: string, { homeDir, paths }: Home): Promise<StartFile | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  const lines = findStartLines(text.toString("utf8"), { stateDir: paths().stateDir, homeDir });
  // Decoding and encoding again would change other bytes of it: for the user to edit.
  const isUtf8 = Buffer.from(text.toString("utf8")).equals(text);
  const ours = isUtf8 ? lines : lines.map((line) => ({ ...line, removable: false, text: undefined }));
  return ours.length === 0 ? undefined : { path, lines: ours, isCompletion: false };
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  return readFile(path, { flag: READ_AT_ONCE }).catch(() => undefined);
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR", "EACCES")) return [];
    throw error;
  }
}

/** A program, by its name or any path; where its output goes. */
const BROKERCTL = String.raw`(?:[^\s"'$\x60();|&<>#]*\/)?brokerctl (?:hook|completion|env)(?: [\w./:=@+-]+)*(?: 2>/dev/null)?`;
const FILE = String.raw`(?:"[^"\x60]*"|'[^']*'|'(?:[^'\\]|\\.)*'|[^\s"'\x60;|&<>()#]+)`;
const GUARD = [
  String.raw`(?:command -v|type|which|hash)(?: -q)? [\w./-]*brokerctl(?: ?(?:&>|>|2>) ?/dev/null| 2>&1)* && `,
  String.raw`\(\( ?\$\+commands\[brokerctl\] ?\)\) && `,
  String.raw`(?:status is-interactive; and )?(?:\[\[?|test) -[efrsO] ${FILE}(?: \]\]?)? ?(?:&&|; and) `,
].join("|");
const STATEMENT = [
  String.raw`eval "?\$\(${BROKERCTL}\)"?`,
  String.raw`eval \(${BROKERCTL}\)`,
  String.raw`(?:source|\.) <\(${BROKERCTL}\)`,
  String.raw`${BROKERCTL} \| source`,
  String.raw`(?:source|\.) (?<file>${FILE})`,
  String.raw`if \[\[? -[efrsO] ${FILE} \]\]?; then (?:source|\.) (?<block>${FILE}); fi`,
].join("|");
const OURS = new RegExp(String.raw`^(?:${GUARD})?(?:${STATEMENT})(?:\s+#.*)?$`);

/** Runs us, reads a file of our state directory, or holds a lease's URL. */
const ABOUT_US = /\bbrokerctl\s+(?:hook|completion|env)\b|\/lease\/brk_/;
/** After such an end the next line belongs to this one; or this one opens a block, which must not become empty. */
const GOES_ON = /(?:\\|&&|\|\|?|\{|\(|\b(?:then|do|else|and|or)|\bin)\s*$/;

/**
 * Finds what calls `brokerctl hook|completion|env`, or sources a file below `stateDir`, in a start file of bash, zsh or
 * fish. Comments do not count. Whether a line may be taken out is decided by its form alone; no shell is run.
 */
export function findStartLines(
  text: string,
  { stateDir, homeDir }: { readonly stateDir: string; readonly homeDir: string },
): readonly StartLine[] {
  const lines = text.split("\n");
  const places = namesOf(stateDir, homeDir);
  return lines.flatMap((raw, index) => {
    const line = raw.trim();
    const namesState = places.some((place) => line.includes(place));
    if (line.startsWith("#") || !(ABOUT_US.test(line) || namesState)) return [];
    const removable = isOurs(line, places) && standsAlone(lines, index);
    return [{ line: index + 1, removable, text: removable ? line : undefined }];
  });
}

function isOurs(line: string, places: readonly string[]): boolean {
  const form = OURS.exec(line);
  const sourced = form?.groups?.["file"] ?? form?.groups?.["block"];
  return form !== null && (sourced === undefined || places.some((place) => sourced.includes(place)));
}

/** Every other byte stays. */
export function withoutLines(text: string, numbers: readonly number[]): string {
  const gone = new Set(numbers);
  return text
    .split(/(?<=\n)/)
    .filter((_, index) => !gone.has(index + 1))
    .join("");
}

/** Indented or continued lines are part of something: without them an `if` would be empty, which no shell takes. */
function standsAlone(lines: readonly string[], index: number): boolean {
  const [before = "", line = "", after = ""] = [lines[index - 1], lines[index], lines[index + 1]];
  return !/^\s/.test(line) && !GOES_ON.test(before) && !GOES_ON.test(line) && !/^\s*(?:&&|\|\||\|)/.test(after);
}

/** As our own line has it, and as people write it: in full, and from the home directory. */
function namesOf(stateDir: string, homeDir: string): readonly string[] {
  const full = `${stateDir}/`;
  const always = [...new Set([full, printfEscapes(full), quotedFor("fish", full).slice(1, -1)])];
  if (!full.startsWith(`${homeDir}/`)) return always;
  const rest = full.slice(homeDir.length);
  // Quotes may end right behind the variable: "$HOME"/.local/…
  return [...always, `~${rest}`, `$HOME${rest}`, `\${HOME}${rest}`, `$HOME"${rest}`, `\${HOME}"${rest}`];
}
