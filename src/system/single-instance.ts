import { linkSync, readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BrokerError } from "../core/errors.js";
import type { ProcessTable } from "./process-identity.js";
import { hasErrno, reasonOf } from "./system-error.js";
import { temporaryPathFor } from "./temporary-file.js";

export interface InstanceLockOptions {
  readonly stateDir: string;
  readonly pid: number;
  readonly processes: ProcessTable;
}

export interface InstanceLock {
  /** Lets the next daemon in; harmless when called twice. A holder that was killed needs none. */
  release(): void;
}

/**
 * At most one daemon in a state directory (design §6.5), else `DaemonRunning` naming the pid.
 *
 * The lock is the file `brokerd.lock.N` with the highest N; it names its holder by pid and start time. `link(2)` makes
 * it with its content in one step and fails if the name is taken. A lock whose holder is gone is never removed or
 * overwritten to be taken over, which two could do one after the other: its successor N+1 is linked, which only one
 * can. The highest is never deleted, so nobody can come in below it unnoticed.
 */
export function acquireInstanceLock({ stateDir, pid, processes }: InstanceLockOptions): InstanceLock {
  const startTime = processes.startTimeOf(pid);
  if (startTime === undefined) throw new BrokerError("InternalError", `process ${pid} cannot find itself`);
  const claim = temporaryPathFor(join(stateDir, "brokerd.lock"));
  const content = JSON.stringify({ pid, startTime });
  try {
    writeFileSync(claim, content, { flag: "wx", mode: 0o600 });
    return lockAt(stateDir, takeNextGeneration(stateDir, { claim, processes }));
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    throw new BrokerError("InternalError", `cannot lock ${stateDir}: ${reasonOf(error)}`, { cause: error });
  } finally {
    removeIfThere(claim);
  }
}

interface Attempt {
  readonly claim: string;
  readonly processes: ProcessTable;
}

function takeNextGeneration(stateDir: string, { claim, processes }: Attempt): number {
  for (;;) {
    const highest = Math.max(0, ...generationsIn(stateDir));
    if (highest > 0) refuseIfHeld(lockPath(stateDir, highest), processes);
    const mine = highest + 1;
    if (!linkIfFree(claim, lockPath(stateDir, mine))) continue; // somebody was faster: look who
    const generations = generationsIn(stateDir);
    if (Math.max(...generations) === mine) {
      for (const older of generations) if (older < mine) removeIfThere(lockPath(stateDir, older));
      return mine;
    }
    // The listing was old: while we looked, others came, went, and cleared away the number that we then linked.
    removeIfThere(lockPath(stateDir, mine));
  }
}

const LOCK_NAME = /^brokerd\.lock\.(\d{1,15})$/;

function lockPath(stateDir: string, generation: number): string {
  return join(stateDir, `brokerd.lock.${generation}`);
}

function generationsIn(stateDir: string): readonly number[] {
  return readdirSync(stateDir).flatMap((name) => {
    const generation = LOCK_NAME.exec(name)?.[1];
    return generation === undefined ? [] : [Number(generation)];
  });
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
    const found: unknown = JSON.parse(readFileSync(path, "utf8"));
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

function lockAt(stateDir: string, generation: number): InstanceLock {
  let held = true;
  return {
    release: () => {
      if (!held) return;
      held = false;
      const path = lockPath(stateDir, generation);
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
