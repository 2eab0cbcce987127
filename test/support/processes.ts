import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Outcome } from "./broker.js";
import { tempDir } from "./temp-dir.js";

type Environment = Readonly<Record<string, string>>;

/** Groups of what was started here and has not ended: ended with us, however we end. */
const running = new Set<number>();
process.once("exit", () => {
  for (const pid of running) endGroup(pid);
});

/** Starts a program in a process group of its own, so that it can be ended together with its children. */
export function start(command: readonly string[], options: { env: Environment; cwd?: string }): ChildProcess {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { ...options, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  const { pid } = child;
  if (pid !== undefined) {
    running.add(pid);
    child.once("close", () => running.delete(pid));
  }
  return child;
}

/** Runs a program to its end, or for `seconds` (60): then its whole group is ended and the outcome has the signal. */
export async function runToEnd(
  command: readonly string[],
  options: { env: Environment; cwd?: string; seconds?: number; input?: string },
): Promise<Outcome> {
  const child = start(command, options);
  let stdout = "";
  let stderr = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => (stdout += chunk));
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  child.stdin?.on("error", () => undefined).end(options.input ?? "");
  const limit = setTimeout(() => endGroup(child.pid), 1000 * (options.seconds ?? 60));
  const [code, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  clearTimeout(limit);
  return { code, signal, stdout, stderr };
}

/** Starts as many at once; what else this process does, such as being AWS for them, has its turn between two starts. */
export async function allAtOnce<T>(count: number, begin: () => Promise<T>): Promise<readonly T[]> {
  const begun: Promise<T>[] = [];
  for (let started = 0; started < count; started++) {
    begun.push(begin());
    await new Promise((resolve) => setImmediate(resolve));
  }
  return Promise.all(begun);
}

const START_ALL = `count=$1; shift
while [ "$count" -gt 0 ]; do
  { "$@" >"out.$count" 2>"err.$count"; echo $? >"code.$count"; } &
  count=$((count - 1))
done
wait`;

/**
 * Runs as many at once, started by a shell: starting a hundred keeps this process, which may be AWS for them, from answering in
 * the 10 s that brokerd waits.
 */
export async function runAtOnce(
  count: number,
  command: readonly string[],
  options: { env: Environment; seconds: number },
): Promise<readonly Outcome[]> {
  const directory = tempDir("at-once");
  const shell = ["/bin/sh", "-c", START_ALL, "sh", String(count), ...command];
  const { code, signal, stderr } = await runToEnd(shell, { ...options, cwd: directory });
  if (code !== 0) throw new Error(`not all of ${count} came to their end: ${signal ?? code} ${stderr}`);
  const read = (name: string): string => readFileSync(join(directory, name), "utf8");
  return Array.from({ length: count }, (_, index) => index + 1).map((each) => ({
    code: Number(read(`code.${each}`)),
    signal: null,
    stdout: read(`out.${each}`),
    stderr: read(`err.${each}`),
  }));
}

export function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
