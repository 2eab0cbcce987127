import { BrokerError } from "../../core/errors.js";
import { nearestName } from "../../core/nearest-name.js";
import { shellQuote } from "../../core/shell-quote.js";
import type { Command, CommandGroup, OptionSpec } from "../command.js";
import { refuseSecretArgument } from "./secret-argument.js";
import { ourWordForCommand, ourWordForFlag } from "./words-of-others.js";

/** A flag as it was typed; node:util names the fields. */
export interface OptionToken {
  readonly kind: "option";
  readonly name: string;
  /** As typed: `--for`, `-n`. */
  readonly rawName: string;
  readonly value: string | undefined;
  /** `--for=30m`, in one word. */
  readonly inlineValue: boolean | undefined;
}

export function unknownOption({ name, rawName, value }: OptionToken, command: Command): BrokerError {
  refuseSecretArgument(rawName, value);
  const meant = flagsMeant(name, Object.keys(command.options));
  const ours = meant.length > 0 ? `did you mean ${meant.join(" or ")}?` : ourWordForFlag(rawName);
  if (ours === undefined) refuseLaterOption(name, command);
  return new BrokerError("UsageInvalid", `unknown flag ${rawName} for brokerctl ${command.name}`, {
    hint: ours ?? `brokerctl ${command.name} --help`,
  });
}

/** The nearest by its letters; else those that have all its words: `--duration`, `--account-id`. */
function flagsMeant(typed: string, names: readonly string[]): readonly string[] {
  const near = nearestName(typed, names);
  const words = typed.split("-");
  const longer = names.filter((name) => words.every((word) => word.length > 2 && name.split("-").includes(word)));
  return (near === undefined ? longer : [near]).map((name) => `--${name}`);
}

/** `argv[at]` begins what seems to be a command to run. */
export function terminatorMissing(argv: readonly string[], at: number, { name }: Command): BrokerError {
  const [ours, theirs] = [argv.slice(0, at), argv.slice(at).filter((word) => word !== "--")];
  for (const word of theirs.flatMap((typed) => typed.split("="))) refuseSecretArgument("an argument", word);
  return new BrokerError("UsageInvalid", `unexpected argument '${theirs[0]}': put -- before the command to run`, {
    hint: `brokerctl ${name} ${[...ours, "--", ...theirs].map(shellQuote).join(" ")}`,
  });
}

/** For a value that is missing, empty, or none of the choices. */
export function unusableValue({ rawName, value }: OptionToken, spec: OptionSpec, command: Command): BrokerError {
  const choices = spec.choices ?? [];
  if (value === undefined || value === "" || value.startsWith("-")) {
    const message = value === "" ? `${rawName} must not be empty` : `${rawName} needs a value`;
    return new BrokerError("UsageInvalid", message, { hint: `${rawName}=${spec.value ?? choices[0] ?? "VALUE"}` });
  }
  const near = nearestName(value, choices);
  return new BrokerError("UsageInvalid", `${rawName} must be one of ${choices.join(", ")}, not '${value}'`, {
    hint: near === undefined ? `brokerctl ${command.name} --help` : `${rawName} ${near}`,
  });
}

/** For an argument that is missing, empty, or one too many. */
export function unusableArguments(given: readonly string[], command: Command): BrokerError {
  const { name, positionals = [] } = command;
  const missing = positionals[given.length];
  if (missing?.required) return usage(`brokerctl ${name} needs ${missing.name}: ${missing.help}`, command);
  const empty = given.indexOf("");
  if (empty >= 0) return usage(`${positionals[empty]?.name ?? "an argument"} must not be empty`, command);
  const extra = given[positionals.length] ?? "";
  refuseSecretArgument("an argument", extra);
  return usage(`unexpected argument '${extra}'`, command);
}

export function usage(message: string, { name }: Command): BrokerError {
  return new BrokerError("UsageInvalid", message, { hint: `brokerctl ${name} --help` });
}

/** `group`: the command that this is a subcommand of; empty for a command itself. */
export function unknownCommand(typed: string, names: readonly string[], group: string): BrokerError {
  refuseSecretArgument("an argument", typed);
  const prefix = group === "" ? "brokerctl " : `brokerctl ${group} `;
  const ours = ourWordForCommand(typed, group, names);
  const near = nearestName(typed, names);
  const what = typed.startsWith("-") ? "flag" : "command";
  return new BrokerError("UsageInvalid", `unknown ${what} '${`${group} ${typed}`.trim()}'`, {
    hint: ours ?? (near === undefined ? `${prefix}--help` : `did you mean ${prefix}${near}?`),
  });
}

export function subcommandMissing(name: string, { subcommands }: CommandGroup): BrokerError {
  const names = Object.keys(subcommands).join(", ");
  return new BrokerError("UsageInvalid", `brokerctl ${name} needs a command: ${names}`, {
    hint: `brokerctl ${name} --help`,
  });
}

/** Flags of the interface that this version does not have: refused by name, never ignored. */
const LATER_OPTIONS: readonly string[] = ["bind"];

function refuseLaterOption(option: string, { name, laterOptions = [] }: Command): void {
  if (!LATER_OPTIONS.includes(option) && !laterOptions.includes(option)) return;
  throw new BrokerError("NotSupported", `the flag --${option} is not in this version yet`, {
    hint: `brokerctl ${name} --help`,
  });
}
