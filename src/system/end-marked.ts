import { readdirSync, readFileSync } from "node:fs";

/**
 * Ends the processes of ours whose environment holds one of `marks`, a variable and its value that nothing else has: what a child started and
 * what then left its process group and its session. Linux only; one that was given another environment is not found.
 */
export function endMarked(marks: readonly string[]): void {
  if (process.platform !== "linux") return;
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid || !holdsOne(pid, marks)) continue;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended meanwhile.
    }
  }
}

function holdsOne(pid: number, marks: readonly string[]): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, "latin1")
      .split("\0")
      .some((entry) => marks.includes(entry));
  } catch {
    return false; // it has ended, or is not ours to read
  }
}
