import type { CliContext, Environment } from "../context.js";
import { changesFor, type VariableChanges } from "./aws-variables.js";
import { formatChanges, formatFailure, SHELL_FORMATS, type ShellFormat } from "./shell-format.js";

export interface PrintedChanges {
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
