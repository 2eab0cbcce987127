import { BrokerError } from "../../core/errors.js";
import { nearestName } from "../../core/nearest-name.js";
import type { CommandGroup } from "../command-entry.js";
import { refuseLaterCommand } from "./later.js";
import { refuseSecretArgument } from "./secret-argument.js";
import { ourWordForCommand } from "./words-of-others.js";

/** `group`: the command that this is a subcommand of; empty for a command itself. */
export function unknownCommand(typed: string, names: readonly string[], group: string): BrokerError {
  refuseSecretArgument("an argument", typed);
  if (group === "") refuseLaterCommand(typed);
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
