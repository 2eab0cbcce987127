import { printable } from "./output.js";

const GAP = "  ";

/** Columns padded with spaces, headings in capitals: readable for people, cut and awk alike. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [headings.map((heading) => heading.toUpperCase()), ...rows.map((row) => row.map(oneLine))];
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join(GAP)
        .trimEnd(),
    )
    .join("\n");
}

function oneLine(cell: string): string {
  return printable(cell.replaceAll("\n", " "));
}
