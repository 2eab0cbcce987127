import { randomBytes } from "node:crypto";
import { CANARY } from "../../support/canaries.js";

/** Letters without vowels, so that no user code is a word. */
const USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ";

/** An opaque secret as long as AWS's, with the canary inside: `aoa` access, `aor` refresh, and our own for the rest. */
export function secretText(prefix: string, bytes = 90): string {
  return `${prefix}AAAA${randomBytes(bytes).toString("base64")}:${CANARY}${randomBytes(bytes).toString("base64")}`;
}

/** The same, fit for a URL as it stands. */
export function urlSecretText(): string {
  return `${randomBytes(12).toString("base64url")}${CANARY}${randomBytes(24).toString("base64url")}`;
}

/** `BCDF-GHJK`: shown to people, no secret. */
export function userCode(): string {
  const letters = Array.from(randomBytes(8), (byte) => USER_CODE_LETTERS[byte % USER_CODE_LETTERS.length]).join("");
  return `${letters.slice(0, 4)}-${letters.slice(4)}`;
}

export function opaqueId(): string {
  return randomBytes(16).toString("base64url");
}
