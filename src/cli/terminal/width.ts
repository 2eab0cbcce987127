import truncatedWidth from "fast-string-truncated-width";

const ELLIPSIS = "…";

/** Columns of a terminal that the text takes: wide characters two, escape sequences none. */
export function widthOf(text: string): number {
  return truncatedWidth(text).width;
}

/** At most so many columns; what is cut off is an ellipsis. */
export function cutTo(text: string, columns: number): string {
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
