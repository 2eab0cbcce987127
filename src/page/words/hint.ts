const PROGRAMS =
  /^(?:brokerctl|brokerd|aws|eval|export|unset|ls|chmod|npm|npx|node|systemctl|loginctl|journalctl|sudo|ssh|source) ?/;

/** A hint of brokerd is a whole command, or a sentence that may have one between backticks. */
export function hintParts(hint: string): { readonly sentence: string | null; readonly command: string | null } {
  if (PROGRAMS.test(hint)) return { sentence: null, command: hint };
  const [, command = null] = /`([^`]+)`/.exec(hint) ?? [];
  const sentence = hint.replace(/`[^`]+`/, "").replace(/[\s:,]+$/, "");
  return { sentence: sentence.replaceAll("`", ""), command };
}
