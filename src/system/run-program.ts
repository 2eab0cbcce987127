import { type ChildProcess, spawn } from "node:child_process";
import { reasonOf } from "../core/errno.js";
import { Secret } from "../core/secret.js";
import { visibleText } from "../core/visible-text.js";
import type { Clock } from "./clock.js";
import { findProgram } from "./find-program.js";
import { redactText } from "./redact.js";

/** Enough for a browser or a push on a phone; what takes longer hangs. */
const LIMIT_MS = 60_000;
const MAX_OUTPUT_BYTES = 64 * 1024;
/** What a program wrote before its exit is in the pipe by then: it is read in much less. */
const PIPES_AFTER_EXIT_MS = 500;
/** Of what it said on stderr, in an error. */
const MAX_SHOWN = 300;

/** Why a program may not be run, and the fix. */
export interface ProgramRefusal {
  readonly problem: string;
  readonly hint: string;
}

export type ProgramRun =
  | { readonly end: "output"; readonly output: Secret }
  /** It ran, and failed; `said` is the end of its stderr, redacted and in one line. */
  | { readonly end: "failed"; readonly reason: string; readonly said: string }
  /** It was not run. */
  | (ProgramRefusal & { readonly end: "refused" });

export interface ProgramLimits {
  /** Default: 60 s. */
  readonly limitMs?: number;
  /** Of its output; default: 64 KiB. */
  readonly maxBytes?: number;
}

export interface Programs {
  /** Runs `argv` to its end, within its limits. Never rejects. */
  run(argv: readonly string[], limits?: ProgramLimits): Promise<ProgramRun>;
  /** Why `run` would refuse it; undefined: it would not. */
  check(argv: readonly string[]): Promise<ProgramRefusal | undefined>;
}

export interface SystemProgramsOptions {
  /** Of the daemon, cleaned. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Whose programs may be run, beside root's; default: the user of this process. */
  readonly uid?: number;
}

/**
 * Programs that the user's config names: credential_process, mfa_process, data_key_command. No shell, no standard input,
 * an environment without what is the daemon's own, `/` as working directory, a process group of its own, which
 * is ended at a limit.
 */
export class SystemPrograms implements Programs {
  readonly #options: SystemProgramsOptions;
  readonly #environment: Record<string, string>;
  readonly #running = new Set<ChildProcess>();

  constructor(options: SystemProgramsOptions) {
    this.#options = options;
    this.#environment = environmentOf(options.environment);
  }

  async run(argv: readonly string[], limits: ProgramLimits = {}): Promise<ProgramRun> {
    const found = await this.#find(argv);
    if ("problem" in found) return { end: "refused", ...found };
    const child = spawn(found.path, argv.slice(1), {
      env: this.#environment,
      cwd: "/",
      shell: false,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#running.add(child);
    const run = await endOf(child, this.#options.clock, limits);
    this.#running.delete(child);
    return run;
  }

  async check(argv: readonly string[]): Promise<ProgramRefusal | undefined> {
    const found = await this.#find(argv);
    return "problem" in found ? found : undefined;
  }

  /** The daemon ends: what still runs is not waited for. */
  stop(): void {
    this.#running.forEach(killGroup);
  }

  #find([program = ""]: readonly string[]): ReturnType<typeof findProgram> {
    const { uid = process.getuid?.() ?? -1 } = this.#options;
    return findProgram({ program, searchPath: this.#environment["PATH"] ?? "", uid });
  }
}

/**
 * Lets `close` follow `exit`: what a program leaves running in the background (an agent, a browser) may hold its pipes open
 * for as long as it lives. It goes on; only its output is not waited for.
 */
export function closePipesAfterExit(child: ChildProcess, clock: Pick<Clock, "after">): void {
  child.once("exit", () => {
    const cancel = clock.after(PIPES_AFTER_EXIT_MS, () => {
      for (const pipe of child.stdio) pipe?.destroy();
    });
    child.once("close", cancel);
  });
}

type PipedChild = ChildProcess & { readonly stdout: NodeJS.ReadableStream; readonly stderr: NodeJS.ReadableStream };

function endOf(
  child: PipedChild,
  clock: Clock,
  { limitMs = LIMIT_MS, maxBytes = MAX_OUTPUT_BYTES }: ProgramLimits,
): Promise<ProgramRun> {
  return new Promise((resolve) => {
    const output = new Captured(maxBytes);
    const errors = new Captured(MAX_OUTPUT_BYTES);
    let broken: string | undefined;
    const stop = (reason: string): void => {
      broken ??= reason;
      killGroup(child);
      // what left the group may hold the pipes open
      for (const pipe of child.stdio) pipe?.destroy();
    };
    const cancel = clock.after(limitMs, () => stop(`took longer than ${limitMs / 1000} s`));
    closePipesAfterExit(child, clock);
    child.stdout.on("data", (chunk: Buffer) => {
      if (!output.add(chunk)) stop(`printed more than ${maxBytes / 1024} KiB`);
    });
    child.stderr.on("data", (chunk: Buffer) => void errors.add(chunk));
    child.once("error", (error) => stop(`could not be started: ${reasonOf(error)}`));
    child.once("close", (code, signal) => {
      cancel();
      const reason = broken ?? failureOf(code, signal);
      const text = output.take();
      const said = shown(errors.take());
      resolve(reason === undefined ? { end: "output", output: new Secret(text) } : { end: "failed", reason, said });
    });
  });
}

function failureOf(code: number | null, signal: string | null): string | undefined {
  return code === 0 ? undefined : `ended with ${signal ?? `exit code ${code ?? "none"}`}`;
}

/** What a program wrote, up to the limit. */
class Captured {
  readonly #chunks: Buffer[] = [];
  readonly #maxBytes: number;
  #size = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** False: more than may be. */
  add(chunk: Buffer): boolean {
    this.#size += chunk.length;
    if (this.#size > this.#maxBytes) return false;
    this.#chunks.push(chunk);
    return true;
  }

  take(): string {
    const text = Buffer.concat(this.#chunks).toString("utf8");
    for (const chunk of this.#chunks) chunk.fill(0);
    return text;
  }
}

/** The daemon's secrets (a passphrase's file) and the SDK's settings for itself are not for other programs. */
function environmentOf(environment: SystemProgramsOptions["environment"]): Record<string, string> {
  const own = (name: string): boolean =>
    /^(?:CREDBROKER_|AWS_SDK_JS_|AWS_CONTAINER_)/.test(name) ||
    ["CREDENTIALS_DIRECTORY", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"].includes(name);
  const entries = Object.entries(environment);
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => entry[1] !== undefined && !own(entry[0])),
  );
}

/** The last words are the ones that say what went wrong. */
function shown(stderr: string): string {
  const line = visibleText(redactText(stderr).replaceAll(/[\s\p{Cc}]+/gu, " ")).trim();
  return line.length > MAX_SHOWN ? `…${line.slice(-MAX_SHOWN)}` : line;
}

/** Ends a child that was spawned `detached`, with all that it started and that stayed in its process group. */
export function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // ESRCH: no process is left in the group, or it was never made. EPERM, on macOS: only zombies are.
    child.kill("SIGKILL");
  }
}
