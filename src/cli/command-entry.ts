import type { Command } from "./command.js";

/** One command, loaded when it is asked for. */
export interface CommandLoader {
  readonly summary: string;
  readonly load: () => Promise<Command>;
}

export interface CommandGroup {
  readonly group: string;
  readonly summary: string;
  readonly subcommands: Readonly<Record<string, CommandLoader>>;
}

/** A word after `brokerctl`; `group` is its heading in the help. */
export type CommandEntry = (CommandLoader & { readonly group: string }) | CommandGroup;
