const MAX_LENGTH = 300;

/**
 * Text of AWS, or of whatever stands in its place, made fit for messages and logs: one line, at most 300 characters.
 * A quoted request ("The Canonical String for this request should have been…") is cut off; keys, tokens and signatures
 * are blanked by their look, as are runs too long for a name, and what was typed as an MFA code.
 */
export function withoutSecrets(text: string): string {
  const line = text
    .replace(/[\s\p{Cc}]+/gu, " ")
    .replace(/(The Canonical String|The String-to-Sign|Deserialization error:).*$/, "")
    .replace(
      /\b(authorization|x-amz-security-token|signature|secretaccesskey|sessiontoken)\b(["']?\s*[:=>]\s*).*$/i,
      "$1$2[removed]",
    )
    .replace(/Value '.*' at 'tokenCode'/, "Value '[removed]' at 'tokenCode'")
    .replace(/[A-Za-z0-9+/=]{40,}/g, "[removed]")
    .trim();
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH - 1)}…` : line;
}
