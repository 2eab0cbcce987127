import { reasonOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { HOOK_VARIABLE } from "./access/variables.js";
import { hasFlag, parseArguments } from "./arguments/parse-arguments.js";
import type * as Refusals from "./arguments/refuse-arguments.js";
import type { Command, CommandGroup, Outcome } from "./command.js";
import { COMMANDS } from "./command-table.js";
import type { CliContext, CliHost } from "./context.js";
import { createContext } from "./create-context.js";
import { EXIT, execExitCodeOf, exitCodeOf } from "./exit-codes.js";
import type * as Help from "./help.js";
import { Interrupted } from "./terminal/prompts.js";

/** Runs one command line; whatever happens, it is told on stderr and ends in an exit code or a signal to die by. */
export async function runCli(argv: readonly string[], host: CliHost): Promise<Exclude<Outcome, undefined>> {
  const context = createContext(host, { json: asksForJson(argv) });
  let command: Command | undefined;
  try {
    const chosen = await choose(argv, context);
    if (!chosen) return EXIT.done;
    command = chosen.command;
    const outcome = await runCommand(chosen, context);
    sayVersionSkew(context);
    await renewOlderHook(context);
    return outcome ?? EXIT.done;
  } catch (error) {
    // Not even loaded: the entry says what is broken, and what a shell that evaluates us is to do.
    if (command === undefined && !(error instanceof BrokerError)) throw error;
    command?.onFailure?.(argv, context);
    if (error instanceof Interrupted) return { signal: "SIGINT" };
    return tellError(await explained(asBrokerError(error), context), context, command);
  }
}

interface Chosen {
  readonly command: Command;
  readonly argv: readonly string[];
}

/** Finds the command, or prints what `--help` and `--version` ask for and finds none. */
async function choose(argv: readonly string[], context: CliContext): Promise<Chosen | undefined> {
  const words = argv[0] === "help" ? [...argv.slice(1), "--help"] : argv;
  const [name = "--help", ...rest] = words;
  if (isHelp(name)) return printHelp((help, columns) => help.overview(COMMANDS, columns), context);
  if (isVersion(name)) {
    context.output.print(`brokerctl ${context.version}`);
    return undefined;
  }
  const entry = await entryOf(COMMANDS, name, "");
  return "subcommands" in entry
    ? chooseFrom(entry, name, { rest, context })
    : { command: await entry.load(), argv: rest };
}

async function chooseFrom(
  group: CommandGroup,
  name: string,
  { rest, context }: { readonly rest: readonly string[]; readonly context: CliContext },
): Promise<Chosen | undefined> {
  const [verb, ...argv] = rest;
  if (group.load && (verb === undefined || verb.startsWith("-"))) return { command: await group.load(), argv: rest };
  if (verb !== undefined && isHelp(verb))
    return printHelp((help, columns) => help.groupHelp(name, group, columns), context);
  if (verb === undefined || verb.startsWith("-")) throw (await refusals()).subcommandMissing(name, group);
  const loader = await entryOf(group.subcommands, verb, name);
  return { command: await loader.load(), argv };
}

function isHelp(word: string): boolean {
  return word === "--help" || word === "-h";
}

function isVersion(word: string): boolean {
  return word === "--version" || word === "-V";
}

async function runCommand({ command, argv }: Chosen, context: CliContext): Promise<Outcome> {
  if (hasFlag(argv, "--help") || hasFlag(argv, "-h")) {
    return printHelp((help, columns) => help.commandHelp(command, columns), context);
  }
  return (await command.run(await parseArguments(argv, command), context)) ?? undefined;
}

/** The help texts are loaded only when they are asked for. */
async function printHelp(
  text: (help: typeof Help, columns: number | undefined) => string,
  { output }: CliContext,
): Promise<undefined> {
  output.print(text(await import("./help.js"), output.screen.columns));
}

async function entryOf<T>(entries: Readonly<Record<string, T>>, name: string, group: string): Promise<T> {
  const entry = Object.hasOwn(entries, name) ? entries[name] : undefined;
  if (entry !== undefined) return entry;
  throw (await refusals()).unknownCommand(name, Object.keys(entries), group);
}

/** Loaded only when there is something to refuse. */
function refusals(): Promise<typeof Refusals> {
  return import("./arguments/refuse-arguments.js");
}

/** `--json` also decides how errors look, those of parsing included. `env --format json` is JSON as well. */
function asksForJson(argv: readonly string[]): boolean {
  return hasFlag(argv, "--json");
}

function tellError(error: BrokerError, context: CliContext, command: Command | undefined): number {
  context.output.error(error);
  sayVersionSkew(context);
  return command?.failureCode === undefined ? exitCodeOf(error.code) : execExitCodeOf(error.code);
}

/** A sandbox may keep brokerd away. */
async function explained(error: BrokerError, { env }: CliContext): Promise<BrokerError> {
  if (error.code !== "DaemonUnreachable") return error;
  const { explainUnreachable } = await import("./sandbox/out-of-reach.js");
  return explainUnreachable(error, env);
}

/** An error that is not ours is told in its own words: there is no log of a command line to look into. */
function asBrokerError(error: unknown): BrokerError {
  if (error instanceof BrokerError) return error;
  const path = error instanceof Error && "path" in error && typeof error.path === "string" ? ` (${error.path})` : "";
  return new BrokerError("InternalError", `unexpected: ${reasonOf(error)}${path}`, { cause: error });
}

function sayVersionSkew({ client, version, output }: CliContext): void {
  const daemon = client.daemonVersion;
  if (daemon === undefined || daemon === version) return;
  output.warn(`brokerd is version ${daemon}, brokerctl ${version}`, "brokerctl restart");
}

/** Of the shell that runs us. */
async function renewOlderHook(context: CliContext): Promise<void> {
  const mark = context.env[HOOK_VARIABLE];
  if (mark === undefined || mark.endsWith(`:${context.version}`)) return;
  const { renewHook } = await import("./shell/write-hook.js");
  await renewHook(mark, context);
}
