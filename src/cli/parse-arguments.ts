import { parseArgs } from "node:util";
import { BrokerError } from "../core/errors.js";
import { nearestName } from "../core/nearest-name.js";
import type { Arguments, Command, OptionSpec, OptionSpecs } from "./command.js";
import { refuseLaterOption } from "./later.js";
import { looksSecret, refuseSecretArgument } from "./secret-argument.js";

/** As node:util names them. */
interface OptionToken {
  readonly kind: "option";
  readonly name: string;
  /** As typed: `--for`, `-n`. */
  readonly rawName: string;
  readonly value: string | undefined;
  /** `--for=30m`, in one word. */
  readonly inlineValue: boolean | undefined;
}
type Token =
  | OptionToken
  | { readonly kind: "positional"; readonly value: string }
  | { readonly kind: "option-terminator" };
type Value = boolean | string | string[] | undefined;

/** Checks `argv` (what follows the command's name) against the command; every refusal names the argument and the mend. */
export function parseArguments(argv: readonly string[], command: Command): Arguments {
  const values = emptyValues(command.options);
  const positionals: string[] = [];
  const rest: string[] = [];
  let afterTerminator = false;
  for (const token of tokensOf(argv, command)) {
    if (token.kind === "option-terminator") afterTerminator = true;
    else if (token.kind === "option") setOption(values, token, command);
    else if (afterTerminator && command.rest !== undefined) rest.push(token.value);
    else positionals.push(token.value);
  }
  checkPositionals(positionals, command);
  return { options: values as Arguments["options"], positionals, rest };
}

/** Whether `flag` stands among the flags of `argv`, without judging the rest: known before parsing, for error output. */
export function hasFlag(argv: readonly string[], flag: string): boolean {
  const end = argv.indexOf("--");
  return argv.slice(0, end < 0 ? undefined : end).includes(flag);
}

function emptyValues(options: OptionSpecs): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(options).map(([name, spec]) => [
      name,
      spec.repeat ? [] : spec.type === "boolean" ? false : undefined,
    ]),
  );
}

function tokensOf(argv: readonly string[], command: Command): readonly Token[] {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, { type, short }]) => [name, { type, ...(short && { short }) }]),
  );
  // Not strict: the errors are ours, so that they name the mend.
  return parseArgs({ args: kebabFlags(argv), options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

/** The config's keys are flags in their own spelling too: `--role_arn` is `--role-arn`. */
function kebabFlags(argv: readonly string[]): string[] {
  const end = argv.indexOf("--");
  return argv.map((word, index) =>
    end >= 0 && index >= end ? word : word.replace(/^--[A-Za-z0-9_-]+/, (flag) => flag.replaceAll("_", "-")),
  );
}

function setOption(values: Record<string, Value>, token: OptionToken, command: Command): void {
  const spec = Object.hasOwn(command.options, token.name) ? command.options[token.name] : undefined;
  if (!spec) throw unknownOption(token, command);
  if (spec.type === "boolean") {
    if (token.value !== undefined) throw usage(`${token.rawName} takes no value`, command);
    values[token.name] = true;
    return;
  }
  const value = checkedValue(token, spec, command);
  const before = values[token.name];
  values[token.name] = Array.isArray(before) ? [...before, value] : value;
}

function checkedValue(token: OptionToken, spec: OptionSpec, command: Command): string {
  const { rawName, value } = token;
  const placeholder = spec.value ?? "VALUE";
  if (value === undefined || (!token.inlineValue && value.startsWith("-") && value !== "-")) {
    throw new BrokerError("UsageInvalid", `${rawName} needs a value`, { hint: `${rawName}=${placeholder}` });
  }
  if (value === "") {
    throw new BrokerError("UsageInvalid", `${rawName} must not be empty`, { hint: `${rawName}=${placeholder}` });
  }
  if (spec.choices && !spec.choices.includes(value)) {
    const near = nearestName(value, spec.choices);
    throw new BrokerError("UsageInvalid", `${rawName} must be one of ${spec.choices.join(", ")}, not '${value}'`, {
      hint: near === undefined ? `brokerctl ${command.name} --help` : `${rawName} ${near}`,
    });
  }
  return value;
}

function unknownOption(token: OptionToken, command: Command): BrokerError {
  refuseSecretArgument(token.name, token.value);
  refuseLaterOption(token.name, command);
  const near = nearestName(token.name, Object.keys(command.options));
  return new BrokerError("UsageInvalid", `unknown flag ${token.rawName} for brokerctl ${command.name}`, {
    hint: near === undefined ? `brokerctl ${command.name} --help` : `did you mean --${near}?`,
  });
}

function checkPositionals(given: readonly string[], command: Command): void {
  const specs = command.positionals ?? [];
  const missing = specs[given.length];
  if (missing?.required) throw usage(`brokerctl ${command.name} needs ${missing.name}: ${missing.help}`, command);
  const empty = given.findIndex((value) => value === "");
  if (empty >= 0) throw usage(`${specs[empty]?.name ?? "an argument"} must not be empty`, command);
  const extra = given[specs.length];
  if (extra === undefined) return;
  if (looksSecret(extra)) refuseSecretArgument("an argument", extra);
  if (command.rest !== undefined) {
    throw new BrokerError("UsageInvalid", `unexpected argument '${extra}': the command to run stands after --`, {
      hint: `brokerctl ${command.name} ${given.slice(0, specs.length).join(" ")} -- ${given.slice(specs.length).join(" ")}`,
    });
  }
  throw usage(`unexpected argument '${extra}'`, command);
}

function usage(message: string, command: Command): BrokerError {
  return new BrokerError("UsageInvalid", message, { hint: `brokerctl ${command.name} --help` });
}
