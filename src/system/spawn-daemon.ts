import { spawn } from "node:child_process";
import { Socket } from "node:net";
import { reasonOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { daemonNodeFlags } from "./node-flags.js";

export interface DaemonCommand {
  /** Node itself: the one that runs the CLI. */
  readonly nodePath: string;
  readonly scriptPath: string;
  /** Already cleaned, see clean-environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Given to the daemon as `--log-file`; it writes and rotates the file itself. */
  readonly logFile: string;
  /** Epoch milliseconds: a `brokerctl stop` after it holds also against this start. */
  readonly wantedSince: number;
}

export interface SpawnedDaemon {
  readonly pid: number;
  /** Resolves if the daemon ends while the CLI still looks. */
  readonly ended: Promise<DaemonEnd>;
}

export interface DaemonEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** What it said on stderr: why it could not even log. Absent when it said nothing. */
  readonly lastWords?: string;
}

/** Two lines are what there should be; a crash of Node itself prints a page. */
const MAX_LAST_WORDS = 16_384;

/**
 * Starts the daemon in a session of its own, so that neither the terminal's end nor ctrl-c reaches it; rejects when
 * Node or the script cannot be started. It does not keep the caller alive, and is not ready yet: ask its socket.
 */
export function spawnDaemon(command: DaemonCommand): Promise<SpawnedDaemon> {
  const { nodePath, scriptPath, env, logFile, wantedSince } = command;
  const args = ["--log-file", logFile, "--unless-stopped-since", String(wantedSince)];
  return new Promise((resolve, reject) => {
    const child = spawn(nodePath, [...daemonNodeFlags(), scriptPath, ...args], {
      detached: true,
      // Once we are gone the pipe is broken: brokerd guards against that, and logs to its file.
      stdio: ["ignore", "ignore", "pipe"],
      env,
      cwd: "/", // a directory that can never be unmounted or removed under it
    });
    let lastWords = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      lastWords = (lastWords + text).slice(0, MAX_LAST_WORDS);
    });
    const ended: SpawnedDaemon["ended"] = new Promise((resolveEnd) => {
      child.once("close", (code, signal) => resolveEnd({ code, signal, ...(lastWords !== "" && { lastWords }) }));
    });
    child.once("error", (cause) => {
      reject(new BrokerError("InternalError", `cannot start ${nodePath}: ${reasonOf(cause)}`, { cause }));
    });
    child.once("spawn", () => {
      child.unref();
      if (child.stderr instanceof Socket) child.stderr.unref(); // a pipe of ours always is one
      if (child.pid !== undefined) resolve({ pid: child.pid, ended });
    });
  });
}
