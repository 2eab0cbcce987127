import { lstatSync, readFileSync, realpathSync, type Stats, statSync } from "node:fs";
import { lstat, mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { hasErrno, reasonOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";
import { makeWayHint } from "./private-file.js";

const GROUP_AND_OTHERS = 0o077;
const WRITABLE_BY_GROUP_AND_OTHERS = 0o022;
const WRITABLE_BY_OTHERS = 0o002;
const STICKY = 0o1000;
const ROOT = 0;

/**
 * Makes `path` (and missing parents) 0700, then looks at what really is there: a real directory, ours, closed to
 * others. Anything else is `FileRefused`; nothing is fixed silently, because what is in an open directory may
 * already be another user's. This check is what authenticates the control socket (threat model: no peer credentials).
 */
export async function ensurePrivateDirectory(path: string, uid = currentUid()): Promise<void> {
  const directory = resolve(path); // without a trailing slash: lstat would follow a symlink behind one
  await makeDirectory(directory);
  refuseUnlessPrivate(directory, uid);
}

/** The same look at a directory that is there. */
export function refuseUnlessPrivate(path: string, uid = currentUid()): void {
  const directory = resolve(path);
  const found = lstatSync(directory);
  if (found.isSymbolicLink()) refuse(`${directory} is a symbolic link`, `rm ${shellQuote(directory)}`);
  if (!found.isDirectory()) refuseType(directory, found, "a directory");
  refuseForeign(directory, found, uid);
  refuseOpen(directory, found, "700");
}

/**
 * The directory that holds state and runtime directory side by side (CREDBROKER_HOME): who can write into it, or into one
 * above it, could put others in their place. It may be readable, a link, and missing. Group-writable directories above it
 * pass: a user's own group is what they usually name. Throws FileRefused.
 */
export function refuseSwappableHome(home: string, uid = currentUid()): void {
  const directory = resolve(home);
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found) {
    if (!found.isDirectory()) refuseType(directory, found, "a directory");
    if (found.uid !== ROOT) refuseForeign(directory, found, uid);
    refuseWritable(directory, found);
  }
  for (const above of directoriesAbove(directory)) refuseSwappingAbove(above, { directory, uid });
}

/** Where the name stands, and where a link on the way leads to; without what is not there yet. */
function directoriesAbove(directory: string): ReadonlySet<string> {
  const above = new Set<string>();
  for (let at = dirname(directory); ; at = dirname(at)) {
    const real = realpathIfThere(at);
    for (let step = real; step !== undefined && !above.has(step); step = dirname(step)) above.add(step);
    if (at === dirname(at)) break;
  }
  const target = realpathIfThere(directory);
  if (target !== undefined && target !== directory) {
    for (let step = dirname(target); !above.has(step); step = dirname(step)) above.add(step);
  }
  return above;
}

function realpathIfThere(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch (error) {
    if (hasErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw new BrokerError("FileRefused", `cannot look at ${path}: ${reasonOf(error)}`, {
      hint: `ls -ld ${shellQuote(path)}`,
      cause: error,
    });
  }
}

function refuseSwappingAbove(above: string, { directory, uid }: { readonly directory: string; uid: number }): void {
  const { mode, uid: owner } = statSync(above);
  const what = `${above}, above ${directory}, `;
  // Sticky (/tmp): only who owns a directory in it can rename it.
  if ((mode & WRITABLE_BY_OTHERS) !== 0 && (mode & STICKY) === 0) {
    refuse(`${what}is writable by all users`, `chmod o-w ${shellQuote(above)}`);
  }
  if (owner === uid || owner === ROOT || owner === overflowUid()) return;
  refuse(`${what}belongs to uid ${owner}, who could replace it`, 'export CREDBROKER_HOME="$HOME"/.credbroker');
}

/** Whom a user namespace (a hardened unit, a rootless container) shows in root's place: user_namespaces(7). */
function overflowUid(): number {
  try {
    return Number(readFileSync("/proc/sys/kernel/overflowuid", "latin1"));
  } catch {
    return ROOT; // not Linux
  }
}

/**
 * A file of our own, if it exists: regular, ours, 0600 or tighter, else `FileRefused`.
 * Resolves with false when there is none.
 */
export async function ensurePrivateFile(path: string, uid = currentUid()): Promise<boolean> {
  const found = await lstatIfThere(path);
  if (!found) return false;
  if (found.isSymbolicLink()) refuse(`${path} is a symbolic link`, `rm ${shellQuote(path)}`);
  if (!found.isFile()) refuseType(path, found, "a regular file");
  refuseForeign(path, found, uid);
  refuseOpen(path, found, "600");
  return true;
}

/**
 * A file that the user keeps, such as the config: may be a symlink and readable by all, but must be the user's and
 * not writable by other users.
 */
export async function ensureOwnFile(path: string, uid = currentUid()): Promise<void> {
  const found = await statOrRefuse(path);
  if (!found.isFile()) refuseType(path, found, "a regular file");
  refuseForeign(path, found, uid);
  refuseWritable(path, found);
}

async function makeDirectory(directory: string): Promise<void> {
  try {
    await makeWithParents(directory);
  } catch (error) {
    if (hasErrno(error, "EEXIST")) return; // a file or a dangling link: named by the checks that follow
    throw new BrokerError("FileRefused", `cannot make directory ${directory}: ${reasonOf(error)}`, {
      hint: `mkdir -p -m 700 ${shellQuote(directory)}`,
      cause: error,
    });
  }
}

/**
 * Node's own recursion never ends where the parent is there and says ENOENT all the same, as /proc does. Another process may
 * make the parents at the same time.
 */
async function makeWithParents(directory: string): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 });
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error;
    const parent = dirname(directory);
    if (!(await lstatIfThere(parent))) {
      await makeWithParents(parent).catch((madeMeanwhile: unknown) => {
        if (!hasErrno(madeMeanwhile, "EEXIST")) throw madeMeanwhile;
      });
    }
    await mkdir(directory, { mode: 0o700 });
  }
}

async function lstatIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

async function statOrRefuse(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (error) {
    const message = `cannot read ${path}: ${reasonOf(error)}`;
    throw new BrokerError("FileRefused", message, { hint: `ls -l ${shellQuote(path)}`, cause: error });
  }
}

function refuseType(path: string, found: Stats, wanted: string): never {
  refuse(`${path} is not ${wanted}`, makeWayHint(path, found));
}

function refuseForeign(path: string, found: Stats, uid: number): void {
  if (found.uid === uid) return;
  refuse(`${path} belongs to uid ${found.uid}, not to uid ${uid}`, `sudo chown -R ${uid} ${shellQuote(path)}`);
}

function refuseOpen(path: string, found: Stats, wanted: string): void {
  if ((found.mode & GROUP_AND_OTHERS) === 0) return;
  refuse(`${path} is open to others (mode ${modeOf(found)})`, `chmod ${wanted} ${shellQuote(path)}`);
}

function refuseWritable(path: string, found: Stats): void {
  if ((found.mode & WRITABLE_BY_GROUP_AND_OTHERS) === 0) return;
  refuse(`${path} is writable by others (mode ${modeOf(found)})`, `chmod go-w ${shellQuote(path)}`);
}

function refuse(message: string, hint: string): never {
  throw new BrokerError("FileRefused", message, { hint });
}

function modeOf(found: Stats): string {
  return (found.mode & 0o777).toString(8).padStart(4, "0");
}

function currentUid(): number {
  const uid = process.getuid?.();
  if (uid === undefined) throw new BrokerError("NotSupported", "this system has no user ids", { hint: "use WSL" });
  return uid;
}
