/** What a tool said, as part of a sentence. */
export function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}
