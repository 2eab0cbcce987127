/**
 * A policy document's content, where JSON can be read and written again without it becoming another; undefined: it is no
 * JSON, or not such. A key that occurs twice would lose its first value (a condition, say), and a long number its digits.
 */
export function parsePolicy(document: string): unknown {
  try {
    const parsed: unknown = JSON.parse(document);
    return isSameText(document, JSON.stringify(parsed)) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** But for white space, and for how characters are escaped. */
function isSameText(document: string, rendered: string): boolean {
  const tokens = (text: string): string[] => text.match(TOKENS) ?? [];
  const [before, after] = [tokens(document), tokens(rendered)];
  return before.length === after.length && before.every((token, index) => plain(token) === after[index]);
}

/** Strings, numbers and words, and the signs between them. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[\w.+-]+|[^\s\w]/g;

function plain(token: string): string {
  return token.startsWith('"') ? JSON.stringify(JSON.parse(token)) : token;
}
