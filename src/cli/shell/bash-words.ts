export interface BashWords {
  /** After the program, the unfinished one last. */
  readonly typed: readonly string[];
  /** Characters of the last one that bash keeps: it replaces only what follows the last of its word breaks. */
  readonly replaced: number;
}

/**
 * What bash's completion gives (COMP_WORDBREAKS, and the line up to the cursor) as words. bash itself would cut a role
 * `corp:111111111111/Developer` or `--as=url` into three.
 */
export function bashWords([breaks = "", line = ""]: readonly string[]): BashWords {
  const typed = split(line).slice(1);
  const current = typed.at(-1) ?? "";
  const cut = Math.max(
    ...[":", "=", "@"].filter((mark) => breaks.includes(mark)).map((mark) => current.lastIndexOf(mark)),
    -1,
  );
  return { typed, replaced: cut + 1 };
}

/** By blanks, outside of quotes; an open quote ends with the line. */
function split(line: string): readonly string[] {
  const words = line.match(/(?:\\[^]|"(?:\\[^]|[^"\\])*(?:"|$)|'[^']*(?:'|$)|[^\s\\"']|\\$)+/g) ?? [];
  const unfinished = /(?:^|[^\\])\s$/.test(line) && !endsInside(words.at(-1), line) ? [...words, ""] : words;
  return unfinished.map(unquoted);
}

/** The blank at the end of the line belongs to the last word. */
function endsInside(word: string | undefined, line: string): boolean {
  return word !== undefined && line.endsWith(word);
}

function unquoted(word: string): string {
  return word.replace(
    /'([^']*)(?:'|$)|"((?:\\[^]|[^"\\])*)(?:"|$)|\\([^])/g,
    (...found: (string | undefined)[]) => found[1] ?? found[2]?.replace(/\\([^])/g, "$1") ?? found[3] ?? "",
  );
}
