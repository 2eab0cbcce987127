import type { CliContext } from "./context.js";

/** A flag; its name is the key under which it stands, kebab-case. */
export interface OptionSpec {
  readonly type: "boolean" | "string";
  readonly short?: string;
  /** May be given several times; the value is then a list. */
  readonly repeat?: true;
  /** What stands for the value in the help text, e.g. `DURATION`. */
  readonly value?: string;
  readonly choices?: readonly string[];
  /** The value where none stands in one word with the flag (`--inspect`, `--inspect=9230`): the next word is never taken. */
  readonly bare?: string;
  readonly help: string;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

type OptionValue<S extends OptionSpec> = S extends { type: "boolean" }
  ? boolean
  : S extends { repeat: true }
    ? readonly string[]
    : S extends { choices: readonly (infer C)[] }
      ? C | undefined
      : string | undefined;

export type OptionValues<O extends OptionSpecs> = { readonly [K in keyof O]: OptionValue<O[K]> };

interface PositionalSpec {
  readonly name: string;
  readonly required?: true;
  /** The last one: may be given several times. */
  readonly repeat?: true;
  /** Offered by completion. */
  readonly choices?: readonly string[];
  readonly help: string;
}

/** What the user typed, checked against the command's specification. */
export interface Arguments<O extends OptionSpecs = OptionSpecs> {
  readonly options: OptionValues<O>;
  /** Those given, in the order of the specification. */
  readonly positionals: readonly string[];
  /** What follows `--`, for commands that run another one. */
  readonly rest: readonly string[];
}

/** Exit code (nothing: 0), or the signal that ended the command we ran and that now ends us. */
export type Outcome = number | { readonly signal: NodeJS.Signals } | undefined;

export interface Command<O extends OptionSpecs = OptionSpecs> {
  /** As typed after `brokerctl`, e.g. `keys add`. */
  readonly name: string;
  readonly summary: string;
  /** Paragraphs below the summary in `--help`. */
  readonly details?: string;
  readonly positionals?: readonly PositionalSpec[];
  /** Set where `-- CMD…` is taken: its placeholder. */
  readonly rest?: string;
  readonly options: O;
  /** Flags that a later version has here: refused by name. */
  readonly laterOptions?: readonly string[];
  readonly examples: readonly string[];
  /** Beyond those that every command has. */
  readonly exitCodes?: readonly string[];
  /** Exit code of our own failures where the command passes another one's code. */
  readonly failureCode?: number;
  run(args: Arguments<O>, context: CliContext): Promise<Outcome>;
  /** Runs after a failure of any kind, before the error is told: what stdout must hold nevertheless. */
  onFailure?(argv: readonly string[], context: CliContext): void;
}

/** Its argument as it is, checked, with the type of each flag: a `Command` that is declared by its type has lost them. */
export function defineCommand<const O extends OptionSpecs>(command: Command<O>): Command<O> {
  return command;
}

/** For commands that list or show. */
export const JSON_OPTION = { type: "boolean", help: "print JSON; errors are one JSON object on stderr" } as const;

/** One command, loaded when it is asked for. */
interface CommandLoader {
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

export interface CommandGroup {
  readonly group: string;
  readonly summary: string;
  /** What the group's word means alone, where it is a command too. */
  readonly load?: CommandLoader["load"];
  readonly subcommands: Readonly<Record<string, CommandLoader>>;
}

/** A word after `brokerctl`; `group` is its heading in the help. */
export type CommandEntry = (CommandLoader & { readonly group: string }) | CommandGroup;
