import { linkSync, readdirSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hasErrno, reasonOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { readAtOnce } from "../files/read-small-file.js";
import { temporaryPathFor } from "../files/temporary-file.js";
import type { ProcessTable } from "./process-identity.js";

/** What at most one process at a time may be: the daemon, or the command that starts it. */
export type LockName = "brokerd.lock" | "brokerd.starting";

export interface InstanceLockOptions {
  readonly stateDir: string;
  readonly pid: number;
  readonly processes: ProcessTable;
  /** Default: the daemon's. */
  readonly name?: LockName;
}

export interface InstanceLock {
  /** Lets the next daemon in; harmless when called twice. A holder that was killed needs none. */
  release(): void;
}

/**
 * At most one holder in a state directory (design §6.5), else `DaemonRunning` naming the pid.
 *
 * The lock is the file `NAME.N` with the highest N; it names its holder by pid and start time. `link(2)` makes
 * it with its content in one step and fails if the name is taken. A lock whose holder is gone is never removed or
 * overwritten to be taken over, which two could do one after the other: its successor N+1 is linked, which only one
 * can. The highest is never deleted, so nobody can come in below it unnoticed.
 */
export function acquireInstanceLock(options: InstanceLockOptions): InstanceLock {
  const { stateDir, pid, processes, name = "brokerd.lock" } = options;
  const startTime = processes.startTimeOf(pid);
  if (startTime === undefined) throw new BrokerError("InternalError", `process ${pid} cannot find itself`);
  const claim = temporaryPathFor(join(stateDir, name));
  const content = JSON.stringify({ pid, startTime });
  try {
    writeFileSync(claim, content, { flag: "wx", mode: 0o600 });
    const files = { stateDir, name };
    return lockAt(files, takeNextGeneration(files, { claim, processes }));
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    throw new BrokerError("InternalError", `cannot lock ${stateDir}: ${reasonOf(error)}`, { cause: error });
  } finally {
    removeIfThere(claim);
  }
}

/** Who has the lock now, by pid; undefined: nobody that lives. */
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

interface Attempt {
  readonly claim: string;
  readonly processes: ProcessTable;
}

function takeNextGeneration(files: LockFiles, { claim, processes }: Attempt): number {
  for (;;) {
    const highest = highestOf(generationsIn(files));
    if (highest > 0) refuseIfHeld(lockPath(files, highest), processes);
    const mine = highest + 1;
    if (!linkIfFree(claim, lockPath(files, mine))) continue; // somebody was faster: look who
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

interface Holder {
  readonly pid: number;
  readonly startTime: string;
}

/** Undefined: released, gone meanwhile, or unreadable, as after a power cut (a link appears with its whole content). */
function readHolder(path: string): Holder | undefined {
  try {
    const found: unknown = JSON.parse(readAtOnce(path));
    return isHolder(found) ? found : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || hasErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

function isHolder(value: unknown): value is Holder {
  if (typeof value !== "object" || value === null) return false;
  return "pid" in value && typeof value.pid === "number" && "startTime" in value && typeof value.startTime === "string";
}

function linkIfFree(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (hasErrno(error, "EEXIST")) return false;
    throw error;
  }
}

function lockAt(files: LockFiles, generation: number): InstanceLock {
  let held = true;
  return {
    release: () => {
      if (!held) return;
      held = false;
      const path = lockPath(files, generation);
      const released = temporaryPathFor(path);
      writeFileSync(released, "{}", { flag: "wx", mode: 0o600 });
      renameSync(released, path); // the file itself stays: it is the highest
    },
  };
}

function removeIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!hasErrno(error, "ENOENT")) throw error;
  }
}
