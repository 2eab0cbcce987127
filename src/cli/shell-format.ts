import type { VariableChanges } from "./aws-variables.js";

export const SHELL_FORMATS = ["sh", "fish", "powershell", "dotenv", "json"] as const;
export type ShellFormat = (typeof SHELL_FORMATS)[number];

/** A name that a shell can unset; Serverless's stages may hold a dash, which no shell's variable can. */
const SHELL_NAME_PATTERN = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** Text that makes the changes when the shell evaluates it; without a final newline. */
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
      return `${undo}\n$global:LASTEXITCODE = 1; Write-Error 'brokerctl env failed'`;
    case "dotenv":
    case "json":
      return undo;
  }
}

const WRITERS: Readonly<Record<ShellFormat, (changes: VariableChanges) => string>> = {
  sh({ set, unset }) {
    const exports = Object.entries(set).map(([name, value]) => `export ${name}=${singleQuoted(value, "'\\''")}`);
    return [...exports, `unset ${shellNames(unset).join(" ")}`].join("\n");
  },
  // A semicolon after each: fish's eval joins the lines of a substitution with spaces. `set -e` of an unset variable
  // fails, and `set -gx` keeps that status: `true` takes it away.
  fish({ set, unset }) {
    const exports = Object.entries(set).map(([name, value]) => `set -gx ${name} ${fishQuoted(value)};`);
    return [`set -e ${shellNames(unset).join(" ")}; true;`, ...exports].join("\n");
  },
  powershell({ set, unset }) {
    const names = unset.map((name) => singleQuoted(`Env:${name}`, "''")).join(", ");
    const exports = Object.entries(set).map(([name, value]) => `$Env:${name} = ${singleQuoted(value, "''")}`);
    return [`Remove-Item -ErrorAction SilentlyContinue ${names}`, ...exports].join("\n");
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

/** In single quotes nothing but the quote itself means anything, to sh and PowerShell alike. */
function singleQuoted(value: string, quote: string): string {
  return `'${value.replaceAll("'", quote)}'`;
}

function fishQuoted(value: string): string {
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/** Bare where possible: docker's --env-file takes quotes literally. */
function dotenvQuoted(value: string): string {
  if (/^[A-Za-z0-9_./:@%+=,-]*$/.test(value)) return value;
  return value.includes("'") ? JSON.stringify(value) : `'${value}'`;
}
