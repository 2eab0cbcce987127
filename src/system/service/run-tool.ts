import { type ExecFileException, execFile } from "node:child_process";
import { reasonOf } from "../../core/errno.js";
import { SystemClock } from "../clock.js";
import { closePipesAfterExit } from "../run-program.js";
import type { RunTool } from "./supervisor.js";

const LIMIT_MS = 30_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;

/** `RunTool` for this machine; no shell, nothing on stdin. */
export function toolRunner(env: Readonly<Record<string, string | undefined>>): RunTool {
  // Their words are compared with and shown: never in another language, never paged or coloured.
  const toolEnv = { ...env, LC_ALL: "C", SYSTEMD_PAGER: "", SYSTEMD_COLORS: "0" };
  return (file, args, { limitMs = LIMIT_MS } = {}) =>
    new Promise((resolve) => {
      const limits = { timeout: limitMs, killSignal: "SIGKILL", maxBuffer: MAX_OUTPUT_BYTES } as const;
      const child = execFile(file, [...args], { env: toolEnv, cwd: "/", ...limits }, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : null;
        resolve({ code, stdout, stderr: code === null && error ? whyNot(file, error, limitMs) : stderr });
      });
      closePipesAfterExit(child, new SystemClock());
      child.stdin?.end();
    });
}

function whyNot(file: string, error: ExecFileException, limitMs: number): string {
  if (error.code === "ENOENT") return `there is no program ${file}`;
  if (error.killed) return `${file} did not end within ${limitMs / 1000} s`;
  return `${file}: ${reasonOf(error)}`;
}

/** What a tool said, as part of a sentence. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
