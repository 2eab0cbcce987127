import { readlinkSync } from "node:fs";
import { hasErrno } from "../core/errno.js";
import { readAtOnce } from "../files/read-small-file.js";

/** The process that has a lock, for as long as one of this pid and start time lives. */
export interface Holder {
  readonly pid: number;
  readonly startTime: string;
}

/**
 * By a lock's file or, from a full disk, its symbolic link. Undefined: released, gone meanwhile, or unreadable, as after a
 * power cut (a hard link appears with its whole content).
 */
export function readHolder(path: string): Holder | undefined {
  try {
    const target = readLink(path);
    if (target !== undefined) return parseTarget(target);
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

/** What a lock links to that could not be a file. */
export function targetOf({ pid, startTime }: Holder): string {
  return `${pid} ${startTime}`;
}

function parseTarget(target: string): Holder | undefined {
  const [, pid, startTime] = /^(\d{1,15}) (.+)$/.exec(target) ?? [];
  return pid === undefined || startTime === undefined ? undefined : { pid: Number(pid), startTime };
}

/** Undefined: not a symbolic link. */
function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (hasErrno(error, "EINVAL")) return undefined;
    throw error;
  }
}
