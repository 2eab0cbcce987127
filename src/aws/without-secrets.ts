import { visibleText } from "../core/visible-text.js";

const MAX_LENGTH = 300;

/** Fields that hold a secret, and all that follows: of signed requests, and of Identity Center's. */
const SIGNED = /\b(authorization|x-amz-security-token|signature|secretaccesskey|sessiontoken)\b(["']?\s*[:=>]\s*).*$/i;
const OAUTH =
  /(\b(?:x-amz-sso_bearer_token|access_?token|refresh_?token|client_?secret|device_?code|code_?verifier)\b|(?<=["'])code(?=["']))(["']?\s*[:=>]\s*).*$/i;

/**
 * Text of AWS, or of whatever stands in its place, made fit for messages and logs: one line, at most 300 characters.
 * A quoted request ("The Canonical String for this request should have been…") is cut off; keys, tokens and signatures
 * are blanked by their look, as are runs too long for a name, and what was typed as an MFA code.
 */
export function withoutSecrets(text: string): string {
  const line = visibleText(text.replace(/[\s\p{Cc}]+/gu, " "))
    // V8 quotes what it could not parse: an answer, with what it holds.
    .replace(/Unexpected token .* is not valid JSON/, "what came is not valid JSON")
    .replace(/(The Canonical String|The String-to-Sign|Deserialization error:).*$/, "")
    .replace(SIGNED, "$1$2[removed]")
    .replace(OAUTH, "$1$2[removed]")
    .replace(/Value '.*' at 'tokenCode'/, "Value '[removed]' at 'tokenCode'")
    .replace(/[A-Za-z0-9+/=]{40,}/g, "[removed]")
    .trim();
  return line.length > MAX_LENGTH ? `${line.slice(0, MAX_LENGTH - 1)}…` : line;
}
