import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { promisify } from "node:util";
import { visibleText } from "../core/visible-text.js";
import { SystemClock } from "./clock.js";
import { SystemProcessTable } from "./process-identity.js";
import { ProcSocketProcesses } from "./socket-processes.js";

export interface CallingProcess {
  readonly pid: number;
  /** As it calls itself, which it can choose. */
  readonly program: string;
  /** undefined: the system does not tell (macOS). */
  readonly cwd: string | undefined;
}

const SHELLS = new Set(["sh", "bash", "dash", "zsh", "ksh", "fish", "busybox"]);
/** A shell in a shell in a shell: what is above it is named as it is. */
const MAX_SHELLS = 3;

/**
 * The program that started process `pid`; a shell that was only started to run it (`sh -c`, as SDKs run a credential_process)
 * is passed over. undefined: it has ended, or the system does not say.
 */
export async function callingProcess(
  pid: number,
  platform: NodeJS.Platform = process.platform,
): Promise<CallingProcess | undefined> {
  const look = platform === "linux" ? lookInProc : askPs;
  try {
    let caller = (await look(pid)).parent;
    for (let shells = 0; shells < MAX_SHELLS; shells++) {
      const { argv, parent } = await look(caller);
      if (!runsOneCommand(argv) || parent <= 1) break;
      caller = parent;
    }
    return platform === "linux" ? await describeByProc(caller) : await describeByPs(caller);
  } catch {
    return undefined;
  }
}

interface Looked {
  readonly parent: number;
  readonly argv: readonly string[];
}

function runsOneCommand([program = "", flag = ""]: readonly string[]): boolean {
  return SHELLS.has(basename(program)) && /^-[a-z]*c$/.test(flag);
}

/** proc(5): the parent is the second field after the program's name, which stands in parentheses and may hold some itself. */
async function lookInProc(pid: number): Promise<Looked> {
  const [stat, line] = await Promise.all([
    readFile(`/proc/${pid}/stat`, "latin1"),
    readFile(`/proc/${pid}/cmdline`, "utf8"),
  ]);
  return { parent: Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]), argv: line.split("\0") };
}

async function describeByProc(pid: number): Promise<CallingProcess | undefined> {
  return new ProcSocketProcesses({ clock: new SystemClock(), processes: new SystemProcessTable() }).processAt(pid);
}

async function askPs(pid: number): Promise<Looked> {
  const [parent = "", ...argv] = (await psOf(pid, "ppid=,args=")).split(/\s+/);
  return { parent: Number(parent), argv };
}

async function describeByPs(pid: number): Promise<CallingProcess> {
  return { pid, program: visibleText(basename(await psOf(pid, "comm="))), cwd: undefined };
}

async function psOf(pid: number, columns: string): Promise<string> {
  const { stdout } = await promisify(execFile)("/bin/ps", ["-o", columns, "-p", String(pid)], { timeout: 5000 });
  return stdout.trim();
}
