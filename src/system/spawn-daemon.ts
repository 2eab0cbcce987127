import { spawn } from "node:child_process";
import { BrokerError } from "../core/errors.js";
import { reasonOf } from "./system-error.js";

export interface DaemonCommand {
  /** Node itself: the one that runs the CLI. */
  readonly nodePath: string;
  readonly scriptPath: string;
  /** Already cleaned, see clean-environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Given to the daemon as `--log-file`; it writes and rotates the file itself. */
  readonly logFile: string;
}

export interface SpawnedDaemon {
  readonly pid: number;
  /** Resolves if the daemon ends while the CLI still looks. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

/**
 * Starts the daemon in a session of its own, so that neither the terminal's end nor ctrl-c reaches it; rejects when
 * Node or the script cannot be started. It does not keep the caller alive, and is not ready yet: ask its socket.
 */
export function spawnDaemon({ nodePath, scriptPath, env, logFile }: DaemonCommand): Promise<SpawnedDaemon> {
  return new Promise((resolve, reject) => {
    const child = spawn(nodePath, [scriptPath, "--log-file", logFile], {
      detached: true,
      stdio: "ignore",
      env,
      cwd: "/", // a directory that can never be unmounted or removed under it
    });
    const ended: SpawnedDaemon["ended"] = new Promise((resolveEnd) => {
      child.once("exit", (code, signal) => resolveEnd({ code, signal }));
    });
    child.once("error", (cause) => {
      reject(new BrokerError("InternalError", `cannot start ${nodePath}: ${reasonOf(cause)}`, { cause }));
    });
    child.once("spawn", () => {
      child.unref();
      if (child.pid !== undefined) resolve({ pid: child.pid, ended });
    });
  });
}
