import { closeSync, existsSync, openSync, readFileSync, readSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { hasErrno, reasonOf } from "../core/errno.js";

export interface Machine {
  readonly platform: NodeJS.Platform;
  /** As `uname -r` tells it. */
  readonly kernel: string;
  readonly uid: number;
  readonly procDir: string;
}

function thisMachine(): Machine {
  const { platform } = process;
  return { platform, kernel: release(), uid: process.getuid?.() ?? -1, procDir: "/proc" };
}

/** Why this system cannot tell which user is behind a loopback connection; undefined: it can. Asked once, at the start. */
export function whyPeersAreUnknown({ platform, kernel, uid, procDir } = thisMachine()): string | undefined {
  if (platform !== "linux") return `${platform === "darwin" ? "macOS" : platform} does not tell it`;
  if (isWsl(kernel, procDir)) return "under WSL every program of Windows looks alike";
  if (looksLikeEveryOne(uid, procDir)) return `in this user namespace uid ${uid} is every other user's too`;
  return whyUnreadable(join(procDir, "self/net/tcp"));
}

/** A kernel of one's own build may lack the name. */
function isWsl(kernel: string, procDir: string): boolean {
  return /microsoft/i.test(kernel) || existsSync(join(procDir, "sys/fs/binfmt_misc/WSLInterop"));
}

/** In a user namespace all users that it does not map are shown as one, the overflow uid (user_namespaces(7)). */
function looksLikeEveryOne(uid: number, procDir: string): boolean {
  if (uid !== Number(readOrNothing(join(procDir, "sys/kernel/overflowuid")) || 65_534)) return false;
  return !/^\s*0\s+0\s+4294967295\s*$/.test(readOrNothing(join(procDir, "self/uid_map")));
}

/** What is hidden by the system stays hidden; what fails for another reason (no descriptors left) is tried again later. */
function whyUnreadable(path: string): string | undefined {
  try {
    const descriptor = openSync(path, "r");
    try {
      // Not all of it: the kernel makes the table as it is read.
      readSync(descriptor, Buffer.alloc(1));
    } finally {
      closeSync(descriptor);
    }
    return undefined;
  } catch (error) {
    return hasErrno(error, "ENOENT", "EACCES", "EPERM") ? `${path} cannot be read: ${reasonOf(error)}` : undefined;
  }
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, "latin1").trim();
  } catch {
    return "";
  }
}
