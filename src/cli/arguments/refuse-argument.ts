import { BrokerError } from "../../core/errors.js";
import { nearestName } from "../../core/nearest-name.js";
import type { Command, OptionSpec } from "../command.js";
import { refuseLaterOption } from "./later.js";
import type { OptionToken } from "./option-token.js";
import { refuseSecretArgument } from "./secret-argument.js";

export function unknownOption({ name, rawName, value }: OptionToken, command: Command): BrokerError {
  refuseSecretArgument(rawName, value);
  refuseLaterOption(name, command);
  const near = nearestName(name, Object.keys(command.options));
  return new BrokerError("UsageInvalid", `unknown flag ${rawName} for brokerctl ${command.name}`, {
    hint: near === undefined ? `brokerctl ${command.name} --help` : `did you mean --${near}?`,
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
  const { name, positionals = [], rest } = command;
  const missing = positionals[given.length];
  if (missing?.required) return usage(`brokerctl ${name} needs ${missing.name}: ${missing.help}`, command);
  const empty = given.indexOf("");
  if (empty >= 0) return usage(`${positionals[empty]?.name ?? "an argument"} must not be empty`, command);
  const extra = given[positionals.length] ?? "";
  refuseSecretArgument("an argument", extra);
  if (rest === undefined) return usage(`unexpected argument '${extra}'`, command);
  const [ours, theirs] = [given.slice(0, positionals.length), given.slice(positionals.length)];
  return new BrokerError("UsageInvalid", `unexpected argument '${extra}': the command to run stands after --`, {
    hint: `brokerctl ${[name, ...ours, "--", ...theirs].join(" ")}`,
  });
}

export function usage(message: string, { name }: Command): BrokerError {
  return new BrokerError("UsageInvalid", message, { hint: `brokerctl ${name} --help` });
}
