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
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (const [found] of line.matchAll(/\\[^]|[^]/g)) {
    if (quote === "" && (found === " " || found === "\t")) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (found === quote) quote = "";
    else if (quote === "" && (found === "'" || found === '"')) [quote, word] = [found, word ?? ""];
    else word = (word ?? "") + (found.length > 1 && quote !== "'" ? found.slice(1) : found);
  }
  return [...words, word ?? ""];
}
