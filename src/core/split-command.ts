/** The arguments of a command line, or why it has none. */
export type SplitCommand = { readonly argv: readonly string[] } | { readonly problem: string };

/** One argument begins outside of blanks: bare text, '…', "…" and \x, directly after one another, make one argument. */
const PIECE =
  /[ \t\r\n]+|'(?<single>[^']*)'|"(?<double>(?:[^"\\]|\\[^])*)"|\\(?<escaped>[^])|(?<bare>[^ \t\r\n'"\\]+)|(?<broken>[^])/gu;

/**
 * Splits a command line as the AWS CLI splits `credential_process`, which is Python's `shlex.split` with POSIX rules:
 * quotes and backslashes, and nothing else of a shell (no variables, ~, globs, pipes or comments).
 */
export function splitCommand(line: string): SplitCommand {
  const argv: string[] = [];
  let argument: string | undefined;
  for (const { groups = {} } of line.matchAll(PIECE)) {
    if (groups["broken"] !== undefined) return { problem: problemOf(groups["broken"]) };
    const text = textOf(groups);
    if (text !== undefined) argument = (argument ?? "") + text;
    else if (argument !== undefined) {
      argv.push(argument);
      argument = undefined;
    }
  }
  return { argv: argument === undefined ? argv : [...argv, argument] };
}

/** What a piece adds to its argument; undefined: blanks, which end it. */
function textOf({ single, double, escaped, bare }: Readonly<Record<string, string | undefined>>): string | undefined {
  // Within "…" a backslash is itself, except before " and \.
  return single ?? double?.replaceAll(/\\(["\\])/g, "$1") ?? escaped ?? bare;
}

function problemOf(broken: string): string {
  return broken === "\\" ? "it ends in a backslash" : `a ${broken} is never closed`;
}
