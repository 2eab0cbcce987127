import { parseArgs } from "node:util";
import type { Arguments, Command, OptionSpec, OptionSpecs } from "../command.js";
import type * as Refusals from "./refuse-arguments.js";
import type { OptionToken } from "./refuse-arguments.js";

type Token =
  | OptionToken
  | { readonly kind: "positional"; readonly value: string; readonly index: number }
  | { readonly kind: "option-terminator" };
type Value = boolean | string | string[] | undefined;

/** Checks `argv` (what follows the command's name) against the command; every refusal names the argument and the fix. */
export async function parseArguments(argv: readonly string[], command: Command): Promise<Arguments> {
  const values = emptyValues(command.options);
  const positionals: string[] = [];
  const rest: string[] = [];
  let afterTerminator = false;
  const tokens = tokensOf(argv, command);
  const commandAt = bareCommand(tokens, command);
  if (commandAt !== undefined) throw (await refusals()).terminatorMissing(argv, commandAt, command);
  for (const token of tokens) {
    if (token.kind === "option-terminator") afterTerminator = true;
    else if (token.kind === "option") await setOption(values, token, command);
    else if (afterTerminator && command.rest !== undefined) rest.push(token.value);
    else positionals.push(token.value);
  }
  await checkPositionals(positionals, command);
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
    Object.entries(command.options).map(([name, { type, bare, short }]) => [
      name,
      { type: bare === undefined ? type : "boolean", ...(short && { short }) },
    ]),
  );
  // Not strict: the errors are ours, so that they name the fix.
  return parseArgs({ args: kebabFlags(argv), options, strict: false, allowPositionals: true, tokens: true }).tokens;
}

/** The config's keys are flags in their own spelling too: `--role_arn` is `--role-arn`. */
function kebabFlags(argv: readonly string[]): string[] {
  const end = argv.indexOf("--");
  return argv.map((word, index) =>
    end >= 0 && index >= end ? word : word.replace(/^--[A-Za-z0-9_-]+/, (flag) => flag.replaceAll("_", "-")),
  );
}

/** Where in `argv` a command to run begins that has no `--` before it; what stands before it is ours and known. */
function bareCommand(tokens: readonly Token[], { options, positionals = [], rest }: Command): number | undefined {
  if (rest === undefined) return undefined;
  let left = positionals.length;
  for (const token of tokens) {
    if (token.kind === "option-terminator") return undefined;
    if (token.kind === "option" && !Object.hasOwn(options, token.name)) return undefined;
    if (token.kind === "positional" && left-- === 0) return token.index;
  }
  return undefined;
}

async function setOption(values: Record<string, Value>, token: OptionToken, command: Command): Promise<void> {
  const spec = Object.hasOwn(command.options, token.name) ? command.options[token.name] : undefined;
  if (!spec) throw (await refusals()).unknownOption(token, command);
  if (spec.type === "boolean") {
    if (token.value !== undefined) throw (await refusals()).usage(`${token.rawName} takes no value`, command);
    values[token.name] = true;
    return;
  }
  if (spec.bare !== undefined && token.value === undefined) {
    values[token.name] = spec.bare;
    return;
  }
  if (!isUsable(token, spec)) throw (await refusals()).unusableValue(token, spec, command);
  const before = values[token.name];
  values[token.name] = Array.isArray(before) ? [...before, token.value ?? ""] : token.value;
}

/** A value that looks like a flag is a value that was forgotten, unless it stands in one word with its flag. */
function isUsable({ value, inlineValue }: OptionToken, { choices }: OptionSpec): boolean {
  if (value === undefined || value === "" || (!inlineValue && /^-./.test(value))) return false;
  return choices?.includes(value) ?? true;
}

async function checkPositionals(given: readonly string[], command: Command): Promise<void> {
  const specs = command.positionals ?? [];
  const isComplete = specs[given.length]?.required !== true;
  const isEnough = given.length <= specs.length || specs.at(-1)?.repeat === true;
  if (isComplete && isEnough && !given.includes("")) return;
  throw (await refusals()).unusableArguments(given, command);
}

/** Loaded only when there is something to refuse. */
function refusals(): Promise<typeof Refusals> {
  return import("./refuse-arguments.js");
}
