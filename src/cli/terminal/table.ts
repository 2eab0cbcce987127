import truncatedWidth from "fast-string-truncated-width";
import { printable } from "./output.js";
import { NO_SCREEN, paint, type Screen, type Style } from "./screen.js";

const GAP = "  ";
/** A column narrower than this is not cut: names would no longer be told apart. */
const SHORTEST_CUT = 24;
const INDENT = "    ";

/** What a state looks like, wherever it stands as a cell. */
const STYLES: Readonly<Record<string, Style>> = {
  ready: "green",
  refreshing: "green",
  idle: "dim",
  login_required: "yellow",
  mfa_required: "yellow",
  missing_key: "yellow",
  locked: "yellow",
  denied: "red",
  error: "red",
};

/**
 * Columns padded with spaces, headings in capitals: readable for people, cut and awk alike. On a screen the widest columns
 * are cut until it fits; where that would leave too little of them, each row becomes a paragraph.
 */
export function table(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
  screen: Screen = NO_SCREEN,
): string {
  const cells = rows.map((row) => row.map(oneLine));
  const lines = [headings.map((heading) => heading.toUpperCase()), ...cells];
  const natural = headings.map((_, column) => Math.max(...lines.map((line) => widthOf(line[column] ?? ""))));
  const widths = fitted(natural, screen.columns);
  if (widths === undefined) return cells.map((row) => paragraph(headings, row, screen)).join("\n");
  const shown = (cell: string, column: number): string => {
    const width = widths[column] ?? 0;
    const cut = widthOf(cell) > width ? cutTo(cell, width) : cell;
    return painted(cut, screen) + " ".repeat(width - widthOf(cut));
  };
  return lines.map((line) => line.map(shown).join(GAP).trimEnd()).join("\n");
}

/** Widths at which the columns fit; undefined where none do. */
function fitted(natural: readonly number[], columns: number | undefined): readonly number[] | undefined {
  const widths = [...natural];
  const gaps = GAP.length * (widths.length - 1);
  let over = columns === undefined ? 0 : widths.reduce((sum, width) => sum + width, gaps) - columns;
  for (; over > 0; over--) {
    const widest = Math.max(...widths);
    if (widest <= SHORTEST_CUT) return undefined;
    widths[widths.indexOf(widest)] = widest - 1;
  }
  return widths;
}

/** The first cell that has a heading is the title, behind its marks; what says nothing is left out. */
function paragraph(headings: readonly string[], row: readonly string[], screen: Screen): string {
  const columns = screen.columns ?? 0;
  const titleAt = headings.findIndex((heading) => heading !== "");
  const title = row
    .slice(0, titleAt + 1)
    .map((cell) => cell.trim())
    .filter(Boolean)
    .join(" ");
  const details = row.flatMap((cell, column) =>
    column <= titleAt || cell === "" || cell === "-"
      ? []
      : [`${headings[column] ?? ""} ${painted(cell, screen)}`.trim()],
  );
  const below = wrapped(details.join(" · "), columns - INDENT.length).filter(Boolean);
  return [...wrapped(title, columns), ...below.map((line) => INDENT + line)].join("\n");
}

/** Lines `NAME  VALUE`; a value that does not fit stands below its name. */
export function fields(lines: readonly string[], { columns }: Screen): string {
  if (columns === undefined) return lines.join("\n");
  const shown = lines.flatMap((line) => {
    if (widthOf(line) <= columns) return [line];
    const [, name = "", value = ""] = /^(.*?) {2,}(.*)$/.exec(line) ?? ["", "", line];
    const below = wrapped(value, columns - INDENT.length, { keepWords: true }).map((part) => INDENT + part);
    return name === "" ? wrapped(line, columns) : [name, ...below];
  });
  return shown.join("\n");
}

function painted(cell: string, { colour }: Screen): string {
  const style = colour && Object.hasOwn(STYLES, cell) ? STYLES[cell] : undefined;
  return style === undefined ? cell : paint(cell, style);
}

function oneLine(cell: string): string {
  return printable(cell.replaceAll("\n", " "));
}

const ELLIPSIS = "…";

/** Columns of a terminal that the text takes: wide characters two, escape sequences none. */
export function widthOf(text: string): number {
  return truncatedWidth(text).width;
}

/** At most so many columns; what is cut off is an ellipsis. */
function cutTo(text: string, columns: number): string {
  const { index, ellipsed } = truncatedWidth(text, { limit: columns, ellipsis: ELLIPSIS, ellipsisWidth: 1 });
  return ellipsed ? text.slice(0, index) + ELLIPSIS : text.slice(0, index);
}

/**
 * Lines of at most so many columns, broken at blanks, and within a word only where it is longer than a line; `keepWords`: not
 * even there, so that a path can be copied.
 */
export function wrapped(text: string, columns: number, { keepWords = false } = {}): readonly string[] {
  const lines: string[] = [];
  const words = text.split(" ").flatMap((whole) => (keepWords ? [whole] : pieces(whole, columns)));
  for (const word of words) {
    const last = lines.at(-1);
    if (last === undefined || widthOf(last) + 1 + widthOf(word) > columns) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

function pieces(word: string, columns: number): readonly string[] {
  if (widthOf(word) <= columns) return [word];
  const { index } = truncatedWidth(word, { limit: columns });
  return index <= 0 ? [word] : [word.slice(0, index), ...pieces(word.slice(index), columns)];
}
