import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import { reasonOf } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import type { Outcome } from "../command.js";
import type { CliContext, Environment } from "../context.js";
import { FILTER_DESCRIPTOR, STATUS_DESCRIPTOR } from "./bwrap-arguments.js";
import { bwrapFailed } from "./why-bwrap-fails.js";

/** What confines a command, with its words. */
export interface Confined {
  readonly file: string;
  readonly args: readonly string[];
  /** For bwrap; undefined: what confines becomes the command itself. */
  readonly filter: Buffer | undefined;
  readonly env: Environment;
  /** Hands the command's lease over to what confines it, which ends with it. */
  readonly handOverTo?: ((pid: number) => Promise<void>) | undefined;
}

/** What a supervisor sends to us and means for the command. */
const FOR_COMMAND: readonly NodeJS.Signals[] = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"];
/** What a terminal sends to all in its foreground, where the command is not: its session is its own. */
const FROM_TERMINAL: readonly NodeJS.Signals[] = ["SIGINT", "SIGQUIT", "SIGWINCH", "SIGCONT"];
const DEADLY: readonly NodeJS.Signals[] = [...FOR_COMMAND, "SIGINT", "SIGQUIT"];
/** What shells add to the number of the signal that ended a command. */
const SIGNAL_BASE = 128;

/**
 * Runs it in our place: our streams are its own, signals reach it, its exit code is the outcome. Death by a signal that came from here is
 * repeated; by another one it is 128 and its number, as bwrap says it.
 */
export async function runConfined(confined: Confined, context: CliContext): Promise<Outcome> {
  context.output.progress.end();
  const { filter } = confined;
  const child = spawnConfined(confined);
  const end = ended(child);
  end.catch(() => undefined); // looked at later: `handOverTo` runs in between
  const status = filter === undefined ? undefined : new BwrapStatus(child, filter);
  const signals = new ForwardedSignals(child, status);
  try {
    if (child.pid !== undefined) await confined.handOverTo?.(child.pid);
    const { code, signal } = await end;
    if (signal !== null) return { signal };
    if (status && (await status.exitCode()) === undefined) throw bwrapFailed();
    return signals.outcomeOf(code ?? 1);
  } finally {
    signals.stop();
  }
}

function spawnConfined({ file, args, env, filter }: Confined): ChildProcess {
  const pipes = filter === undefined ? [] : (["pipe", "pipe"] as const);
  const nothing = openSync("/dev/null", "r+");
  const above = Array.from({ length: lastInherited() - FILTER_DESCRIPTOR }, () => nothing);
  const stdio = ["inherit", "inherit", "inherit", ...pipes, ...above] as const;
  try {
    return spawn(file, [...args], { env, cwd: "/", detached: true, stdio: [...stdio] });
  } finally {
    closeSync(nothing);
  }
}

/**
 * Node keeps the low descriptors that it was started with from its children, and not those above a gap: a directory that a shell has open
 * would be a way out. What is handed down in their place is nothing.
 */
function lastInherited(): number {
  const CLOSE_ON_EXEC = 0o2000000;
  const isInherited = (name: string): boolean => {
    try {
      const flags = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${name}`, "utf8"))?.[1] ?? "0";
      return (Number.parseInt(flags, 8) & CLOSE_ON_EXEC) === 0;
    } catch {
      return false; // it was the directory's that is read
    }
  };
  try {
    return Math.max(FILTER_DESCRIPTOR, ...readdirSync("/proc/self/fd").filter(isInherited).map(Number));
  } catch {
    return FILTER_DESCRIPTOR; // there is no /proc
  }
}

interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

function ended(child: ChildProcess): Promise<ChildEnd> {
  return new Promise((resolve, reject) => {
    child.once("error", (cause) => {
      reject(new BrokerError("SandboxUnavailable", `cannot run ${child.spawnfile}: ${reasonOf(cause)}`, { cause }));
    });
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
}

/** What bwrap tells in lines of JSON: the first process of the sandbox, and the end of the command, where it ran. */
class BwrapStatus {
  #text = "";
  readonly #waiting: (() => void)[] = [];
  readonly #isRead: Promise<void>;

  constructor(child: ChildProcess, filter: Buffer) {
    const told = child.stdio[STATUS_DESCRIPTOR] as Readable | undefined;
    told?.setEncoding("utf8").on("data", (text: string) => {
      this.#text += text;
      if (this.firstPid !== undefined) for (const act of this.#waiting.splice(0)) act();
    });
    told?.on("error", () => undefined);
    this.#isRead = new Promise((resolve) => {
      if (told) told.once("close", resolve);
      else resolve();
    });
    const taken = child.stdio[FILTER_DESCRIPTOR] as Writable | undefined;
    taken?.on("error", () => undefined).end(filter);
  }

  /** As this machine numbers it. */
  get firstPid(): number | undefined {
    return this.#number("child-pid");
  }

  /** At once where that process is known. The command may run, and have said so, before we have read it. */
  whenFirst(act: () => void): void {
    if (this.firstPid === undefined) this.#waiting.push(act);
    else act();
  }

  async exitCode(): Promise<number | undefined> {
    await this.#isRead;
    return this.#number("exit-code");
  }

  #number(name: string): number | undefined {
    const found = new RegExp(`"${name}"\\s*:\\s*(\\d+)`).exec(this.#text);
    return found ? Number(found[1]) : undefined;
  }
}

class ForwardedSignals {
  readonly #child: ChildProcess;
  readonly #status: BwrapStatus | undefined;
  readonly #sent = new Set<NodeJS.Signals>();
  readonly #listeners: (readonly [NodeJS.Signals, () => void])[];

  constructor(child: ChildProcess, status: BwrapStatus | undefined) {
    this.#child = child;
    this.#status = status;
    this.#listeners = [
      ...FOR_COMMAND.map((signal) => [signal, () => this.#send(signal, "command")] as const),
      ...FROM_TERMINAL.map((signal) => [signal, () => this.#send(signal, "all")] as const),
      // Its own group has no terminal, so that it would not stop by this one.
      ["SIGTSTP", () => this.#pause()],
    ];
    for (const [signal, listener] of this.#listeners) process.on(signal, listener);
  }

  stop(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
  }

  outcomeOf(code: number): Outcome {
    const signal = DEADLY.find((name) => code === SIGNAL_BASE + constants.signals[name]);
    return signal !== undefined && this.#sent.has(signal) ? { signal } : code;
  }

  #pause(): void {
    this.#send("SIGSTOP", "all");
    process.kill(process.pid, "SIGSTOP");
  }

  #send(signal: NodeJS.Signals, to: "command" | "all"): void {
    if (this.#status) this.#status.whenFirst(() => this.#pass(signal, to));
    else this.#pass(signal, to);
  }

  #pass(signal: NodeJS.Signals, to: "command" | "all"): void {
    const first = this.#status ? this.#status.firstPid : this.#child.pid;
    if (first === undefined) return;
    this.#sent.add(signal);
    const command = this.#status ? firstChildOf(first) : first;
    try {
      process.kill(to === "command" && command !== undefined ? command : -first, signal);
    } catch {
      // It has ended.
    }
  }
}

/** The command is the first child of the sandbox's first process, which ends with it. */
function firstChildOf(pid: number): number | undefined {
  try {
    const [first = ""] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ");
    return first === "" ? undefined : Number(first);
  } catch {
    return undefined;
  }
}
