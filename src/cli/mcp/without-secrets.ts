import { visibleText } from "../../core/visible-text.js";
import { redactText } from "../../system/redact.js";

/** Of whatever kind: what our own answers hold is no address, so that all of them can go. */
const ADDRESS = /\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>`]*/gi;
const ACCESS_KEY_ID = /\bA[KS]IA[A-Z0-9]{8,}\b/g;

/**
 * The last gate before an answer leaves for a model: whatever a message quotes, be it of the caller's own words, there is no key,
 * token or URL in it, and nothing that a terminal would obey.
 */
export function withoutSecrets(text: string): string {
  return visibleText(redactText(text.replace(ADDRESS, "[address]").replace(ACCESS_KEY_ID, "[key id]")));
}

/** A copy of a JSON value with every text in it so; `$schema` goes, which is an address by its nature. */
export function answerWithoutSecrets(value: unknown): unknown {
  if (typeof value === "string") return withoutSecrets(value);
  if (Array.isArray(value)) return value.map(answerWithoutSecrets);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([name]) => name !== "$schema");
  return Object.fromEntries(entries.map(([name, item]) => [withoutSecrets(name), answerWithoutSecrets(item)]));
}
