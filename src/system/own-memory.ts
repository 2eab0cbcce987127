import { readFileSync, statSync } from "node:fs";
import { reasonOf } from "../core/errno.js";

const OPEN = "programs of your user can read it";

export interface MemoryProbe {
  readonly platform: NodeJS.Platform;
  readonly uid: number;
  readonly procDir: string;
}

function thisProcess(): MemoryProbe {
  return { platform: process.platform, uid: process.getuid?.() ?? -1, procDir: "/proc" };
}

/**
 * Why other programs of this user can read this process's memory and environment; undefined: the kernel refuses it. Asked of
 * the kernel, not of how we were started: it gives the files of a process that may not be read to root (proc(5), "dumpable").
 */
export function whyMemoryIsOpen({ platform, uid, procDir } = thisProcess()): string | undefined {
  if (platform !== "linux") return "not known on this system";
  try {
    if (statSync(`${procDir}/self/environ`).uid !== uid) return undefined;
    return hasUserNamespace(procDir) ? `${OPEN}: in a user namespace only a Node of root's closes it` : OPEN;
  } catch (error) {
    return `not known: ${reasonOf(error)}`;
  }
}

/** user_namespaces(7): the first maps all ids to themselves. */
function hasUserNamespace(procDir: string): boolean {
  return !/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync(`${procDir}/self/uid_map`, "latin1"));
}
