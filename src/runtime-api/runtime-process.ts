import { type ChildProcess, spawn } from "node:child_process";
import { statSync } from "node:fs";
import type { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { errnoOf, hasErrno } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { shellQuote } from "../core/shell-quote.js";
import type { Clock } from "../system/clock.js";
import type { InvocationLog } from "./invocation-log.js";

/** A program and its arguments, without a shell in between. */
export interface RuntimeCommand {
  readonly file: string;
  readonly args: readonly string[];
}

export interface RuntimeProcessOptions {
  readonly command: RuntimeCommand;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly log: InvocationLog;
  readonly clock: Clock;
  readonly killGroup: KillGroup;
}

/** Ends a child that was spawned `detached`, and its whole process group. */
export type KillGroup = (child: ChildProcess) => void;

export interface ProcessExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that left the group may hold the output open for ever: it is let go when nothing comes for so long… */
const ABANDONED_AFTER_MS = 1_000;
/** …and after so long when it prints without end: what the group had printed was in the pipes, and is out by then. */
const ABANDONED_LIMIT_MS = 3_000;
/** A runtime writes on in the background while it waits for the next event (Node does, into pipes). */
const QUIET_MS = 30;
const QUIET_LIMIT_MS = 2_000;
const TURNS_TO_READ = 3;

/**
 * The runtime client's process, in a process group of its own, so that what it starts ends with it. Ctrl-C in the
 * terminal does not reach the group by itself. It reads no stdin: in Lambda there is none.
 */
export class RuntimeProcess {
  readonly pid: number;
  /** Its own end, whatever caused it. */
  readonly exited: Promise<ProcessExit>;
  readonly #child: ChildProcess;
  readonly #followed: Promise<unknown>;
  readonly #clock: Clock;
  readonly #log: InvocationLog;
  readonly #kill: () => void;

  private constructor(child: ChildProcess, pid: number, { log, clock, killGroup }: RuntimeProcessOptions) {
    this.pid = pid;
    this.#child = child;
    this.#clock = clock;
    this.#log = log;
    this.exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve({ code, signal }));
    });
    this.#followed = Promise.all(outputsOf(child).map((output) => log.follow(output)));
    this.#kill = () => killGroup(child);
    endAtExit(this.#kill);
  }

  /** Rejects with `UsageInvalid` when the command cannot be run at all. */
  static async start(options: RuntimeProcessOptions): Promise<RuntimeProcess> {
    const { command, cwd } = options;
    const child = spawn(command.file, [...command.args], {
      cwd,
      env: { ...options.env },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    if (child.pid !== undefined) return new RuntimeProcess(child, child.pid, options);
    const error = await new Promise<Error>((resolve) => child.once("error", resolve));
    throw cannotRun(command.file, cwd, error);
  }

  /** Resolves when the runtime, which waits for the next event, has printed what it had to. */
  async printed(): Promise<void> {
    await this.#followedOr({ quietMs: QUIET_MS, limitMs: QUIET_LIMIT_MS });
  }

  /**
   * For one that runs on: what it wrote before it asked for the next event is in the pipes, and read in these turns of the event loop.
   * What comes later is passed on as well, behind the lines of its event.
   */
  async printedSoon(): Promise<void> {
    for (let turn = 0; turn < TURNS_TO_READ; turn++) await nextTurn();
  }

  /** Ends the whole group, at once as Lambda does, and passes on what it had printed. */
  async end(): Promise<void> {
    this.#kill();
    await this.exited;
    await this.#followedOr({ quietMs: ABANDONED_AFTER_MS, limitMs: ABANDONED_LIMIT_MS });
    for (const output of outputsOf(this.#child)) output.destroy();
    await this.#followed;
    KILLS.delete(this.#kill);
  }

  /** Until all output has ended, or it has become quiet, or it does not. */
  async #followedOr(quiet: { readonly quietMs: number; readonly limitMs: number }): Promise<void> {
    const over = new AbortController();
    await Promise.race([this.#followed, this.#log.quiet({ clock: this.#clock, signal: over.signal, ...quiet })]);
    over.abort();
  }
}

/** Of all that run: a listener for each would be more than Node takes for a mistake. */
const KILLS = new Set<() => void>();

function endAtExit(kill: () => void): void {
  if (KILLS.size === 0) {
    process.off("exit", endAll);
    process.on("exit", endAll);
  }
  KILLS.add(kill);
}

function endAll(): void {
  for (const kill of KILLS) kill();
}

function outputsOf({ stdout, stderr }: ChildProcess): readonly Readable[] {
  return [stdout, stderr].filter((output) => output !== null);
}

function cannotRun(file: string, cwd: string, cause: unknown): BrokerError {
  // ENOENT and ENOTDIR also mean that the directory to start in is not there.
  if (!isDirectory(cwd)) return new BrokerError("UsageInvalid", `no such directory: ${cwd}`, { cause });
  if (hasErrno(cause, "ENOENT")) {
    const hint = `command -v ${shellQuote(file)}`;
    return new BrokerError("UsageInvalid", `command not found: ${file}`, { cause, hint });
  }
  return new BrokerError("UsageInvalid", `cannot run ${file}: ${errnoOf(cause)}`, {
    cause,
    hint: `ls -l ${shellQuote(file)}`,
  });
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
