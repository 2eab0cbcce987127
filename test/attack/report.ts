export interface Row {
  readonly case: string;
  readonly expected: string;
  readonly got: string;
}

/** Prints what an attack came to, one row a case, where the figures of a run are looked up. */
export function printRows(rows: readonly Row[]): void {
  const table = [{ case: "case", expected: "expected", got: "got" }, ...rows];
  const width = (key: keyof Row): number => Math.max(...table.map((row) => row[key].length));
  const lines = table.map((row) =>
    `${row.case.padEnd(width("case"))}  ${row.expected.padEnd(width("expected"))}  ${row.got}`.trimEnd(),
  );
  process.stdout.write(`\n${lines.join("\n")}\n`);
}
