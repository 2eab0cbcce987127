/**
 * Every secret that a test plants holds this text, so that one search over logs, files and output finds any that leaked.
 * It is made of base64 letters, and fits into secret keys, session tokens, passphrases and codes' neighbours alike.
 */
export const CANARY = "CaNaRyCaNaRy";

/** A long-term secret access key: 40 characters. */
export function canarySecretKey(tag = ""): string {
  return `${CANARY}${tag}`.padEnd(40, "x").slice(0, 40);
}

/** A passphrase. */
export function canaryPassphrase(tag = ""): string {
  return `correct horse ${CANARY} ${tag}`.trim();
}
