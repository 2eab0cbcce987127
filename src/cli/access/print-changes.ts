import { steadyExport } from "../../core/shell-quote.js";
import type { CliContext, Environment } from "../context.js";
import { changesFor, type VariableChanges } from "./variables.js";

interface PrintedChanges {
  readonly changes: VariableChanges;
  readonly format: ShellFormat;
  /** The command whose output is to be evaluated. */
  readonly command: string;
}

/** What a shell evaluates, on stdout; on stderr what it cannot do. */
export function printChanges({ changes, format, command }: PrintedChanges, context: CliContext): void {
  context.output.print(formatChanges(changes, format));
  if (format === "dotenv") {
    context.output.hint(`a dotenv file cannot unset: see that none of these is set: ${changes.unset.join(" ")}`);
  } else if (context.stdout.isTTY && format !== "json") {
    context.output.hint(`nothing has changed in this shell yet: ${EVALUATED[format](command)}`);
  }
}

const EVALUATED: Readonly<Record<"sh" | "fish" | "powershell", (command: string) => string>> = {
  sh: (command) => `eval "$(${command})"`,
  fish: (command) => `${command} --format fish | source`,
  powershell: (command) => `${command} --format powershell | Out-String | Invoke-Expression`,
};

/** After a failure: what an earlier evaluation set is undone, and the shell's `eval` fails. */
export function printFailure(argv: readonly string[], context: CliContext): void {
  const text = failureText(argv, context.env);
  if (text !== "") context.output.print(text.slice(0, -1));
}

/** The same as text, with its final newline where there is any: for what fails outside of a command. */
export function failureText(argv: readonly string[], env: Environment): string {
  const text = formatFailure(changesFor({}, env).unset, formatIn(argv));
  return text === "" ? "" : `${text}\n`;
}

/** What `--format` says, as far as can be told of a command line that may be wrong elsewhere. */
function formatIn(argv: readonly string[]): ShellFormat {
  const inline = argv.find((word) => word.startsWith("--format="))?.slice("--format=".length);
  const value = inline ?? argv[argv.indexOf("--format") + 1];
  return SHELL_FORMATS.find((format) => format === value) ?? "sh";
}

export const SHELL_FORMATS = ["sh", "fish", "powershell", "dotenv", "json"] as const;
export type ShellFormat = (typeof SHELL_FORMATS)[number];

/** A name that a shell can unset; Serverless's stages may hold a dash, which no shell's variable can. */
const SHELL_NAME_PATTERN = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * Text that makes the changes when the shell evaluates it; without a final newline. The shells' formats are right also
 * where `eval` gets the lines joined by single blanks (`eval $(brokerctl env)` without quotes): no comment, a semicolon
 * after each statement, no value that splitting or file patterns change.
 */
export function formatChanges(changes: VariableChanges, format: ShellFormat): string {
  return WRITERS[format](changes);
}

/** Text that undoes what an earlier evaluation set, and fails: old credentials must not be used by accident. */
export function formatFailure(unset: readonly string[], format: ShellFormat): string {
  const undo = WRITERS[format]({ set: {}, unset });
  switch (format) {
    case "sh":
      return `${undo}\nfalse`;
    case "fish":
      return `${undo}\nfalse;`;
    case "powershell":
      return `${undo}\n$global:LASTEXITCODE = 1; Write-Error 'brokerctl failed';`;
    case "dotenv":
    case "json":
      return undo;
  }
}

const WRITERS: Readonly<Record<ShellFormat, (changes: VariableChanges) => string>> = {
  sh({ set, unset }) {
    const exports = Object.entries(set).map(([name, value]) => steadyExport(name, value));
    return [...exports, `unset ${shellNames(unset).join(" ")};`].join("\n");
  },
  // `set -e` of an unset variable fails, and `set -gx` keeps that status: `true` takes it away.
  fish({ set, unset }) {
    const exports = Object.entries(set).map(([name, value]) => `set -gx ${name} ${fishQuoted(value)};`);
    return [`set -e ${shellNames(unset).join(" ")}; true;`, ...exports].join("\n");
  },
  powershell({ set, unset }) {
    const names = unset.map((name) => powershellQuoted(`Env:${name}`)).join(", ");
    const exports = Object.entries(set).map(([name, value]) => `$Env:${name} = ${powershellQuoted(value)};`);
    return [`Remove-Item -ErrorAction SilentlyContinue ${names};`, ...exports].join("\n");
  },
  dotenv({ set }) {
    return Object.entries(set)
      .map(([name, value]) => `${name}=${dotenvQuoted(value)}`)
      .join("\n");
  },
  json: ({ set, unset }) => JSON.stringify({ set, unset }),
};

function shellNames(names: readonly string[]): readonly string[] {
  return names.filter((name) => SHELL_NAME_PATTERN.test(name));
}

/**
 * PowerShell ends a quotation at a typographic quote as well; any of them doubled is itself. Line breaks stand outside, as
 * escapes: `| Invoke-Expression` evaluates line by line, and `"$(…)"` joins lines with blanks.
 */
function powershellQuoted(value: string): string {
  const doubled = value.replaceAll(/['\u2018-\u201b]/g, "$&$&");
  return `'${doubled.replaceAll("\r", `' + "\`r" + '`).replaceAll("\n", `' + "\`n" + '`)}'`;
}

/** A line break stands outside the quotes, as an escape: `eval` in fish gets lines joined with spaces. */
function fishQuoted(value: string): string {
  const quoted = value.replaceAll("\\", "\\\\").replaceAll("'", "\\'");
  return `'${quoted.replaceAll("\n", "'\\n'")}'`;
}

/**
 * Bare where possible: docker's --env-file takes quotes literally. In double quotes, where line breaks have an escape, so
 * that readers by lines see one variable; what a shell would expand there has one too: such files are sourced.
 */
function dotenvQuoted(value: string): string {
  if (/^[A-Za-z0-9_./:@%+=,-]*$/.test(value)) return value;
  return /['\r\n]/.test(value) ? JSON.stringify(value).replaceAll(/[$`]/g, "\\$&") : `'${value}'`;
}
