import { linkSync, readdirSync, renameSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasErrno, reasonOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";
import { temporaryPathFor } from "../files/temporary-file.js";
import { type Holder, readHolder, targetOf } from "./lock-holder.js";
import type { ProcessTable } from "./process-identity.js";

/** Held by at most one process: the daemon, or the command that starts it. */
export type LockName = "brokerd.lock" | "brokerd.starting";

export interface InstanceLockOptions {
  readonly stateDir: string;
  readonly pid: number;
  readonly processes: ProcessTable;
  /** Default: the daemon's. */
  readonly name?: LockName;
}

export interface InstanceLock {
  /** Lets the next daemon in; never throws, harmless when called twice. A holder that was killed needs none. */
  release(): void;
  /** Why no file could be written for the lock; undefined: one could, at once or by `retry`. */
  readonly fullDisk: string | undefined;
  /** Writes the file that the full disk did not take. Never throws. */
  retry(): void;
}

/**
 * At most one holder in a state directory, else `DaemonRunning` naming the pid.
 *
 * The lock is the file `NAME.N` with the highest N; it names its holder by pid and start time. `link(2)` makes
 * it with its content in one step and fails if the name is taken. A lock whose holder is gone is never removed or
 * overwritten to be taken over, which two could do one after the other: its successor N+1 is linked, which only one
 * can. The highest is never deleted, so no process can come in below it unnoticed.
 *
 * On a full disk, where the file cannot be written, `NAME.N` is a symbolic link to `PID STARTTIME`, which exists nowhere:
 * symlink(2) is as exclusive as link(2), and tmpfs, ext4, XFS and Btrfs keep so short a target in the inode. Where no
 * inode is left either, or the directory itself would have to grow, nothing starts.
 */
export function acquireInstanceLock(options: InstanceLockOptions): InstanceLock {
  const { stateDir, pid, processes, name = "brokerd.lock" } = options;
  const startTime = processes.startTimeOf(pid);
  if (startTime === undefined) throw new BrokerError("InternalError", `process ${pid} cannot find itself`);
  const holder = { pid, startTime };
  const path = temporaryPathFor(join(stateDir, name));
  try {
    const isFile = writeUnlessFull(path, JSON.stringify(holder));
    const files = { stateDir, name };
    const generation = takeNextGeneration(files, { claim: isFile ? { path } : { holder }, processes });
    return new GenerationLock(lockPath(files, generation), { holder, isFile });
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    throw new BrokerError("InternalError", `cannot lock ${stateDir}: ${reasonOf(error)}`, {
      hint: hintFor(error, stateDir),
      cause: error,
    });
  } finally {
    tidyAway(path);
  }
}

/** Who has the lock now, by pid; undefined: no live process. */
export function instanceHolder({ stateDir, processes, name }: Omit<InstanceLockOptions, "pid">): number | undefined {
  const files = { stateDir, name: name ?? "brokerd.lock" } as const;
  const highest = highestOf(generationsIn(files));
  const holder = highest === 0 ? undefined : readHolder(lockPath(files, highest));
  return holder && processes.startTimeOf(holder.pid) === holder.startTime ? holder.pid : undefined;
}

interface LockFiles {
  readonly stateDir: string;
  readonly name: LockName;
}

/** A file that is linked into place, or, on a full disk, the holder that a link names. */
type Claim = { readonly path: string; readonly holder?: never } | { readonly holder: Holder; readonly path?: never };

interface Attempt {
  readonly claim: Claim;
  readonly processes: ProcessTable;
}

function takeNextGeneration(files: LockFiles, { claim, processes }: Attempt): number {
  for (;;) {
    const highest = highestOf(generationsIn(files));
    if (highest > 0) refuseIfHeld(lockPath(files, highest), processes);
    const mine = highest + 1;
    if (!placeIfFree(claim, lockPath(files, mine))) continue; // another process was faster: look which
    const generations = generationsIn(files);
    if (highestOf(generations) === mine) {
      for (const older of generations) if (older < mine) removeIfThere(lockPath(files, older));
      return mine;
    }
    // The listing was old: while we looked, others came, went, and cleared away the number that we then linked.
    removeIfThere(lockPath(files, mine));
  }
}

const GENERATION_PATTERN = /^\d{1,15}$/;

function lockPath({ stateDir, name }: LockFiles, generation: number): string {
  return join(stateDir, `${name}.${generation}`);
}

function generationsIn({ stateDir, name }: LockFiles): readonly number[] {
  return readdirSync(stateDir).flatMap((file) => {
    const generation = file.startsWith(`${name}.`) ? file.slice(name.length + 1) : "";
    return GENERATION_PATTERN.test(generation) ? [Number(generation)] : [];
  });
}

function highestOf(generations: readonly number[]): number {
  return Math.max(0, ...generations);
}

function refuseIfHeld(path: string, processes: ProcessTable): void {
  const holder = readHolder(path);
  if (!holder || processes.startTimeOf(holder.pid) !== holder.startTime) return;
  throw new BrokerError("DaemonRunning", `brokerd is already running as process ${holder.pid}`, {
    hint: "brokerctl restart",
  });
}

function placeIfFree({ path, holder }: Claim, to: string): boolean {
  try {
    if (path === undefined) symlinkSync(targetOf(holder), to);
    else linkSync(path, to);
    return true;
  } catch (error) {
    if (hasErrno(error, "EEXIST")) return false;
    throw error;
  }
}

/** False: the disk is full, and nothing is left there. */
function writeUnlessFull(path: string, content: string): boolean {
  try {
    writeFileSync(path, content, { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    tidyAway(path);
    if (hasErrno(error, "ENOSPC", "EDQUOT")) return false;
    throw error;
  }
}

/** The target of a lock that was released: no pid, so no holder. */
const RELEASED = "released";

class GenerationLock implements InstanceLock {
  readonly #path: string;
  readonly #holder: Holder;
  #isFile: boolean;
  #isHeld = true;

  constructor(path: string, { holder, isFile }: { readonly holder: Holder; readonly isFile: boolean }) {
    this.#path = path;
    this.#holder = holder;
    this.#isFile = isFile;
  }

  /** The lock itself stays: it is the highest. */
  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    try {
      if (!this.#replace("{}")) this.#replaceByLink();
    } catch {
      // The disk became read-only, say. The lock ends with its process all the same, which for a daemon is now.
    }
  }

  get fullDisk(): string | undefined {
    return this.#isFile ? undefined : "no space left on device";
  }

  retry(): void {
    if (this.#isFile || !this.#isHeld) return;
    try {
      this.#isFile = this.#replace(JSON.stringify(this.#holder));
    } catch {
      // For another reason than a full disk: the lock is held as it is.
    }
  }

  /** False: the disk is full, and the lock is what it was. */
  #replace(content: string): boolean {
    const next = temporaryPathFor(this.#path);
    if (!writeUnlessFull(next, content)) return false;
    renameSync(next, this.#path);
    return true;
  }

  #replaceByLink(): void {
    const next = temporaryPathFor(this.#path);
    symlinkSync(RELEASED, next);
    renameSync(next, this.#path);
  }
}

function hintFor(error: unknown, stateDir: string): string {
  if (hasErrno(error, "EROFS")) return 'make it writable, or use another: export CREDBROKER_HOME="$HOME"/.credbroker';
  return `${hasErrno(error, "ENOSPC", "EDQUOT") ? "free some space: df -h" : "ls -ld"} ${shellQuote(stateDir)}`;
}

/** Of a temporary file, which the next start sweeps: what went wrong before counts, and a read-only disk refuses this too. */
function tidyAway(path: string): void {
  try {
    removeIfThere(path);
  } catch {
    // The error before it is the one to tell; a file that stays is swept at the next start.
  }
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error;
  }
}
