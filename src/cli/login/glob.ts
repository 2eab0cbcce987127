/** A pattern in which `*` stands for any text and `?` for one character; letters match in either case. */
export function globMatcher(pattern: string): (text: string) => boolean {
  const escaped = pattern.replaceAll(/[\\^$+.()|[\]{}/-]/g, "\\$&");
  const expression = new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`, "isu");
  return (text) => expression.test(text);
}
