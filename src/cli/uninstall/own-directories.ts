import type { Stats } from "node:fs";
import { lstat, readdir, readlink, rm, rmdir, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { hasErrno, reasonOf } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import { profileDirectory } from "../../core/profile-directory.js";
import { shellQuote } from "../../core/shell-quote.js";
import { readRegularFile } from "../../files/read-small-file.js";
import { TEMPORARY_FILE_PATTERN } from "../../files/temporary-file.js";
import type { BrokerPaths } from "../../system/paths.js";
import { SCHEMA_FILE } from "../config/config-template.js";

/** Something of ours on disk, and what removing it means. */
export interface OwnPlace {
  readonly kind: "config" | "state" | "sockets";
  readonly path: string;
  /** tree: with everything below it; link: the link alone. */
  readonly how: "file" | "tree" | "link";
  /** Where a link leads, which stays. */
  readonly target?: string;
}

export interface OwnPlaces {
  readonly found: readonly OwnPlace[];
  /** Directories that were made together with ours: they go when nothing else is in them. Deepest first. */
  readonly parents: readonly string[];
  /** Named like ours, but not known to be: left alone. */
  readonly doubtful: readonly string[];
  /** What another program or user put into our state directory: left alone, and the directory with it. */
  readonly foreign: readonly string[];
}

/** What lies in the state directory of every installation that ever started, and has a name that is ours alone. */
const SIGNATURE = /^(?:brokerd\.lock\.\d+|brokerd\.log|secrets\.sealed|data-key\.wrapped)$/;
/** All that any version of ours keeps there, with what was set aside of it, by us or as a hint of ours says. */
const OWN_STATE = new RegExp(
  String.raw`^(?:${[
    String.raw`(?:secrets|cache)\.sealed|(?:leases|lambda-roles|requests|agents|schedules)\.json|child-leases\.jsonl|data\.key|data-key\.wrapped|locked`,
    String.raw`endpoint-port|port-was-taken|service\.env|stopped-at|brokerd\.(?:(?:lock|starting)\.\d+|log|log\.\d+|stderr)`,
    String.raw`(?:audit|refusals)\.jsonl(?:\.\d+)?`,
    String.raw`tokens|aws|shell|run|program|edit-\w{6}`,
  ].join("|")})(?:\.old|\.broken-\w+)?$`,
);
/** One `mkdir -p`. */
const TOGETHER_MS = 1000;
const GROUP_AND_OTHERS = 0o077;

/** Looks only. A directory counts as ours by what lies in it: CREDBROKER_HOME may name any. */
export async function findOwnPlaces(paths: BrokerPaths, homeDir: string): Promise<OwnPlaces> {
  const configDir = dirname(paths.configFile);
  const isForeignConfig = (await isThere(paths.configFile)) && !(await isOwnConfig(paths.configFile));
  const found = [
    ...(isForeignConfig ? [] : await configPlaces(configDir, paths.configFile)),
    ...(await socketPlaces(paths)),
    ...(await statePlaces(paths.stateDir)),
  ];
  const isDoubtful = (await isThere(paths.stateDir)) && !found.some(({ kind }) => kind === "state");
  return {
    found,
    parents: await directoriesMadeWith([configDir, paths.runtimeDir, paths.stateDir], homeDir),
    doubtful: [...(isForeignConfig ? [paths.configFile] : []), ...(isDoubtful ? [paths.stateDir] : [])],
    foreign: isDoubtful ? [] : await foreignIn(paths.stateDir),
  };
}

/** Never follows a link. Throws `FileRefused` naming path and fix. */
export async function removeOwnPlace({ path, how }: OwnPlace): Promise<void> {
  try {
    if (how === "tree") await rm(path, { recursive: true });
    else await unlink(path);
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return;
    throw new BrokerError("FileRefused", `cannot remove ${path}: ${reasonOf(error)}`, {
      hint: `rm -rf ${shellQuote(path)}`,
      cause: error,
    });
  }
}

/** Removes those that are empty; resolves with our own directories (`always`) that had to stay because of what else is in them. */
export async function pruneDirectories(
  directories: readonly string[],
  always: readonly string[],
): Promise<readonly string[]> {
  const stayed: string[] = [];
  for (const directory of directories) {
    try {
      await rmdir(directory);
    } catch (error) {
      if (!hasErrno(error, "ENOENT") && always.includes(directory)) stayed.push(directory);
    }
  }
  return stayed;
}

/** The config's own directory is not taken as a whole: with CREDBROKER_HOME it may hold anything. */
async function configPlaces(configDir: string, configFile: string): Promise<readonly OwnPlace[]> {
  const names = (await namesIn(configDir)).filter(
    (name) => name === basename(configFile) || name === SCHEMA_FILE || isOurTemporary(name),
  );
  return Promise.all(names.map((name) => placeOf("config", join(configDir, name))));
}

function isOurTemporary(name: string): boolean {
  return TEMPORARY_FILE_PATTERN.test(name) && (name.startsWith(".config.yaml.") || name.startsWith(`.${SCHEMA_FILE}.`));
}

async function socketPlaces({ runtimeDir, stateDir }: BrokerPaths): Promise<readonly OwnPlace[]> {
  if (runtimeDir.startsWith(`${stateDir}/`)) return [];
  const profiles = basename(profileDirectory(runtimeDir));
  const names = (await namesIn(runtimeDir)).filter((name) => name.endsWith(".sock") || name === profiles);
  return Promise.all(names.map((name) => placeOf("sockets", join(runtimeDir, name))));
}

/** As a whole, unless it holds something of another program or user. */
async function statePlaces(stateDir: string): Promise<readonly OwnPlace[]> {
  const found = await statsOf(stateDir);
  if (found?.isSymbolicLink()) return [await placeOf("state", stateDir)];
  const names = await namesIn(stateDir);
  const isOurs = found?.isDirectory() === true && (names.length === 0 || names.some((name) => SIGNATURE.test(name)));
  if (!isOurs) return [];
  if (names.every(isOwnState)) return [{ kind: "state", path: stateDir, how: "tree" }];
  return Promise.all(names.filter(isOwnState).map((name) => placeOf("state", join(stateDir, name))));
}

async function foreignIn(stateDir: string): Promise<readonly string[]> {
  if ((await statsOf(stateDir))?.isDirectory() !== true) return [];
  return (await namesIn(stateDir)).filter((name) => !isOwnState(name)).map((name) => join(stateDir, name));
}

function isOwnState(name: string): boolean {
  return OWN_STATE.test(name) || TEMPORARY_FILE_PATTERN.test(name);
}

async function placeOf(kind: OwnPlace["kind"], path: string): Promise<OwnPlace> {
  const found = await lstat(path);
  if (found.isSymbolicLink()) return { kind, path, how: "link", target: await readlink(path) };
  return { kind, path, how: found.isDirectory() ? "tree" : "file" };
}

/**
 * Our directories and those above them, up to the home, that came to be in the same moment: `mkdir -p` made them for us.
 * An older `~/.config` stays, also when it is empty.
 */
async function directoriesMadeWith(directories: readonly string[], homeDir: string): Promise<readonly string[]> {
  const made = new Set<string>();
  for (const directory of directories) {
    if (directory !== homeDir) made.add(directory);
    let child = await statsOf(directory);
    for (let parent = dirname(directory); child && parent.startsWith(`${homeDir}/`); parent = dirname(parent)) {
      const above = await statsOf(parent);
      if (!above || !isMadeFor(above, child)) break;
      made.add(parent);
      child = above;
    }
  }
  return [...made].sort((one, other) => other.length - one.length);
}

/** Birth is 0 where the file system does not know it; ours are closed to others, which few directories of a home are. */
function isMadeFor(above: Stats, child: Stats): boolean {
  const isClosed = (above.mode & GROUP_AND_OTHERS) === 0;
  return isClosed && above.birthtimeMs > 0 && child.birthtimeMs - above.birthtimeMs < TOGETHER_MS;
}

async function isThere(path: string): Promise<boolean> {
  return (await statsOf(path)) !== undefined;
}

async function statsOf(path: string): Promise<Stats | undefined> {
  return lstat(path).catch(() => undefined);
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return readdir(directory).catch(() => []);
}

const KEYS = "version|endpoint|secret_store|data_key_command|refresh|lambda|defaults|sources|roles|requests|projects";
const OURS = new RegExp(`^(?:${KEYS})$`);

/**
 * Whether a `config.yaml` is ours. In a directory of our name it is; CREDBROKER_HOME may name one where another program has a
 * file of that name: then all that stands at its left edge must be keys of ours.
 */
async function isOwnConfig(path: string): Promise<boolean> {
  if (basename(dirname(path)) === "credbroker") return true;
  const text = await readRegularFile(path).catch(() => "");
  const keys = [...text.matchAll(/^(?![#\s}\])-])["']?([^\s"':]+)/gm)].map(([, key = ""]) => key);
  return keys.length > 0 && keys.every((key) => OURS.test(key));
}
