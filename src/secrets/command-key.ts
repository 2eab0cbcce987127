import { type ChildProcess, spawn } from "node:child_process";
import type { Clock } from "../system/clock.js";
import { decodeDataKey } from "./data-key.js";
import type { DataKeyHolder, DataKeyOutcome } from "./data-key-holder.js";
import { systemCode } from "./room-files.js";

/** Long enough for a fingerprint or a touch of a YubiKey. */
const LIMIT_MS = 30_000;
/** A key is 64 characters at most. */
const MAX_OUTPUT_BYTES = 1_024;

export interface CommandKeyOptions {
  /** Program and arguments; no shell reads them. */
  readonly argv: readonly [string, ...string[]];
  readonly clock: Clock;
}

type Run =
  | { readonly end: "output"; readonly text: string }
  | { readonly end: "failed"; readonly reason: string }
  | { readonly end: "not-started"; readonly reason: string };

/**
 * `secret_store: command`: a command of the user's (1Password, pass, a YubiKey) prints the data key. It can only yield:
 * the user made the key. Messages name its program, never its arguments or output.
 */
export class CommandKey implements DataKeyHolder {
  readonly place: string;
  readonly warnings: readonly string[] = [];
  readonly #options: CommandKeyOptions;

  constructor(options: CommandKeyOptions) {
    this.#options = options;
    this.place = `data_key_command ${options.argv[0]}`;
  }

  async load(): Promise<DataKeyOutcome> {
    const run = await runCommand(this.#options);
    if (run.end === "not-started") return this.#obstacle("unavailable", `could not be started (${run.reason})`);
    if (run.end === "failed") return this.#obstacle("locked", run.reason);
    const key = decodeDataKey(run.text);
    if (key) return { outcome: "found", key };
    return {
      outcome: "unavailable",
      message: `${this.place} printed no data key: 43 characters of base64url or 64 of hex, nothing else`,
      hint: "make one with `openssl rand -hex 32` and keep it where the command finds it",
    };
  }

  #obstacle(outcome: "locked" | "unavailable", what: string): DataKeyOutcome {
    return {
      outcome,
      message: `${this.place} ${what}`,
      hint: "run the command by hand to see why, then brokerctl unlock",
    };
  }
}

/** A process group of its own: what the command starts ends with it, and no terminal is there to ask on. */
function runCommand({ argv, clock }: CommandKeyOptions): Promise<Run> {
  const [program, ...parameters] = argv;
  return new Promise((resolve) => {
    const child = spawn(program, parameters, { shell: false, detached: true, stdio: ["ignore", "pipe", "ignore"] });
    const chunks: Buffer[] = [];
    let broken: string | undefined;
    const stop = (reason: string): void => {
      broken ??= reason;
      killGroup(child);
    };
    const cancel = clock.after(LIMIT_MS, () => stop(`took longer than ${LIMIT_MS / 1000} s`));
    child.stdout.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      if (sizeOf(chunks) > MAX_OUTPUT_BYTES) stop("printed far more than a key");
    });
    child.once("error", (error) => {
      cancel();
      resolve({ end: "not-started", reason: systemCode(error) });
    });
    child.once("close", (code, signal) => {
      cancel();
      resolve(endOf({ code, signal, broken }, chunks));
      for (const chunk of chunks) chunk.fill(0);
    });
  });
}

function endOf(
  end: { readonly code: number | null; readonly signal: string | null; readonly broken: string | undefined },
  chunks: readonly Buffer[],
): Run {
  if (end.broken !== undefined) return { end: "failed", reason: end.broken };
  if (end.code !== 0) return { end: "failed", reason: `ended with ${end.signal ?? `exit code ${end.code ?? "none"}`}` };
  return {
    end: "output",
    text: Buffer.concat(chunks)
      .toString("latin1")
      .replace(/\r?\n$/, ""),
  };
}

function sizeOf(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    child.kill("SIGKILL"); // the group is gone already, or was never made
  }
}
