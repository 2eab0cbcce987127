import { constants, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { hasErrno } from "../core/errno.js";
import { shellQuote } from "../core/shell-quote.js";

/** A FIFO must not hold us until another process writes; a terminal must not become ours. */
const READ = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
const ROOT = 0;
/** To group and others. */
const OPEN = 0o077;
const WRITABLE = 0o022;

/** What a file must be before it is read. Default: a file of ours, in no other user's reach. */
export interface FileDemands {
  /** Ours: no link, and our own. Named, as by the user or systemd: may be a link, and may belong to root. */
  readonly whose?: "ours" | "named";
  /** Others may read it too, but not write it: the config, which may be in a repository of dotfiles. */
  readonly readableByOthers?: boolean;
  /** Whose it is; default: the user of this process. */
  readonly uid?: number | undefined;
  readonly maxBytes?: number;
}

/** What is wrong with a file: `what` reads on after its path, `hint` is a command. */
export interface FileFlaw {
  readonly kind: "link" | "type" | "owner" | "mode" | "size";
  readonly what: string;
  readonly hint: string;
  /** Why the system refused, where it did. */
  readonly cause?: unknown;
}

/** What came of reading: missing, unreadable and refused are never taken for empty. */
export type CheckedFile =
  | { readonly outcome: "read"; readonly data: Buffer }
  | { readonly outcome: "missing" }
  | { readonly outcome: "refused"; readonly flaw: FileFlaw }
  | { readonly outcome: "unreadable"; readonly cause: unknown };

/**
 * Reads a file that other users can neither read nor replace. It is opened once and looked at through the open handle, so
 * that what is checked is what is read; a pipe's writer is never waited for. Never rejects.
 */
export async function readCheckedFile(path: string, demands: FileDemands = {}): Promise<CheckedFile> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, demands.whose === "named" ? READ : READ | constants.O_NOFOLLOW);
    const flaw = flawIn(path, await handle.stat(), demands);
    return flaw ? { outcome: "refused", flaw } : { outcome: "read", data: await handle.readFile() };
  } catch (cause) {
    if (hasErrno(cause, "ENOENT")) return { outcome: "missing" };
    const isLink = hasErrno(cause, "ELOOP") && demands.whose !== "named";
    return isLink ? { outcome: "refused", flaw: linkFlaw(path, cause) } : { outcome: "unreadable", cause };
  } finally {
    await handle?.close();
  }
}

function linkFlaw(path: string, cause: unknown): FileFlaw {
  return { kind: "link", what: "is a symbolic link", hint: `rm ${shellQuote(path)}`, cause };
}

function flawIn(path: string, stats: Stats, demands: FileDemands): FileFlaw | undefined {
  const file = shellQuote(path);
  if (!stats.isFile()) {
    return { kind: "type", what: "is not a regular file", hint: makeWayHint(path, stats) };
  }
  if (isForeign(stats, demands)) {
    return { kind: "owner", what: `belongs to another user (uid ${stats.uid})`, hint: `ls -l ${file}` };
  }
  const reach = reachOfOthers(stats, demands);
  if (reach) return { kind: "mode", what: `${reach.what} (mode ${modeOf(stats)})`, hint: `${reach.fix} ${file}` };
  if (stats.size <= (demands.maxBytes ?? Number.POSITIVE_INFINITY)) return undefined;
  return { kind: "size", what: `is too long (${stats.size} bytes)`, hint: `ls -l ${file}` };
}

/** How to make way for a file of ours where something else stands; a device stays: the path to it is what is wrong. */
export function makeWayHint(path: string, found: Stats): string {
  const file = shellQuote(path);
  if (found.isFile() || found.isDirectory()) return `mv ${file} ${shellQuote(`${path}.old`)}`;
  return found.isFIFO() || found.isSocket() ? `rm ${file}` : `ls -l ${file}`;
}

function isForeign(stats: Stats, { whose, uid = process.getuid?.() }: FileDemands): boolean {
  if (uid === undefined || stats.uid === uid) return false;
  return whose !== "named" || stats.uid !== ROOT;
}

function reachOfOthers({ mode }: Stats, { readableByOthers }: FileDemands): { what: string; fix: string } | undefined {
  if (readableByOthers === true) {
    return (mode & WRITABLE) === 0 ? undefined : { what: "can be written by other users", fix: "chmod go-w" };
  }
  return (mode & OPEN) === 0 ? undefined : { what: "is open to others", fix: "chmod 600" };
}

function modeOf({ mode }: Stats): string {
  return (mode & 0o777).toString(8).padStart(4, "0");
}
