import { type ChildProcess, spawn } from "node:child_process";
import { hasErrno, reasonOf } from "../../core/errno.js";
import { BrokerError } from "../../core/errors.js";
import { shellQuote } from "../../core/shell-quote.js";
import type { Outcome } from "../command.js";
import type { CliContext, Environment } from "../context.js";
import { EXEC_EXIT } from "../exit-codes.js";

/** A command to run: a program and its arguments. */
export interface ChildWords {
  readonly file: string;
  readonly args: readonly string[];
}

/** What stands after `--`; nothing there: the user's shell. `usage` is the hint for an empty word. */
export function childWords(rest: readonly string[], env: Environment, usage: string): ChildWords {
  const shell = env["SHELL"] === "" ? undefined : env["SHELL"];
  const [file = shell ?? "/bin/sh", ...args] = rest;
  if (file === "") throw new BrokerError("UsageInvalid", "the command after -- is empty", { hint: usage });
  return { file, args };
}

interface ChildCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Hands the command's lease over to the child, which runs now. */
  readonly handOverTo?: ((pid: number) => Promise<void>) | undefined;
}

/** What a supervisor sends to us and means for the child. */
const FORWARDED: readonly NodeJS.Signals[] = ["SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"];
/** A terminal sends these to its whole foreground group: to us and to the child alike. */
const FROM_TERMINAL: readonly NodeJS.Signals[] = ["SIGINT", "SIGQUIT"];

/**
 * Runs a command in our place: our stdin, stdout, stderr, process group and terminal are its own, signals reach it, and
 * its exit code or fatal signal is the outcome. 126 and 127 where it cannot be run.
 */
export async function runChild(command: ChildCommand, context: CliContext): Promise<Outcome> {
  const cwd = directoryForChild(context);
  context.output.progress.end();
  const child = spawn(command.file, [...command.args], { stdio: "inherit", env: command.env, cwd });
  const stopForwarding = forwardSignals(child, context);
  try {
    const end = ended(child);
    if (child.pid !== undefined) await command.handOverTo?.(child.pid);
    const { code, signal } = await end;
    return signal === null ? (code ?? EXEC_EXIT.ownFailure) : { signal };
  } catch (error) {
    return cannotRun(command.file, error, context);
  } finally {
    stopForwarding();
  }
}

/** For a program that runs in our place; undefined: it inherits a directory that has been removed, as from a shell. */
export function directoryForChild({ cwd }: Pick<CliContext, "cwd">): string | undefined {
  try {
    return cwd();
  } catch {
    return undefined;
  }
}

/**
 * With a terminal, Ctrl-C has already reached the child: a second one would make many programs give up their cleaning
 * up. So it is only survived here, and forwarded where no terminal can have sent it. `kill -INT` of brokerctl alone
 * in a terminal is thereby not passed on: no program can tell the two apart.
 */
function forwardSignals(child: ChildProcess, { stdinIsTTY, stdout, stderr }: CliContext): () => void {
  const hasTerminal = stdinIsTTY || stdout.isTTY === true || stderr.isTTY === true;
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
  const survive = (): void => undefined;
  for (const signal of FORWARDED) process.on(signal, forward);
  for (const signal of FROM_TERMINAL) process.on(signal, hasTerminal ? survive : forward);
  return () => {
    for (const signal of [...FORWARDED, ...FROM_TERMINAL]) process.off(signal, forward).off(signal, survive);
  };
}

interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

function ended(child: ChildProcess): Promise<ChildEnd> {
  const end = new Promise<ChildEnd>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve({ code, signal }));
  });
  end.catch(() => undefined); // looked at later: `handOverTo` runs in between
  return end;
}

function cannotRun(file: string, error: unknown, { output }: CliContext): number {
  if (error instanceof BrokerError) throw error;
  if (hasErrno(error, "ENOENT")) {
    output.error(
      new BrokerError("UsageInvalid", `command not found: ${file}`, { hint: `command -v ${shellQuote(file)}` }),
    );
    return EXEC_EXIT.notFound;
  }
  output.error(
    new BrokerError("UsageInvalid", `cannot run ${file}: ${reasonOf(error)}`, { hint: `ls -l ${shellQuote(file)}` }),
  );
  return EXEC_EXIT.notExecutable;
}
