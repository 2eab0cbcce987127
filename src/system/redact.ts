import { Secret } from "../core/secret.js";
import { withSourceNames } from "./source-names.js";

const HIDDEN = "[secret]";

/** What looks like a secret in a text of any origin; pattern and what stays of a match. */
const PATTERNS: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // Access key ids: long-term and temporary; the last 4 characters tell them apart.
  [/\b(A[KS]IA)[A-Z0-9]{8,}([A-Z0-9]{4})\b/g, "$1...$2"],
  // Our lease tokens, also cut ones, also in URLs.
  [/\bbrk_[A-Za-z0-9_-]{8,}/g, `brk_${HIDDEN}`],
  // JSON web tokens, with or without signature.
  [/\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?/g, HIDDEN],
  // SSO access (aoa) and refresh (aor) tokens.
  [/\bao[ar]A[A-Za-z0-9_:+/=.-]{16,}/g, HIDDEN],
  // STS session tokens by their usual beginnings.
  [/\b(?:IQoJ|FwoG|FQoG|AQoD)[A-Za-z0-9+/=]{32,}/g, HIDDEN],
  // `SecretAccessKey: …` in JSON (escaped or not), XML, INI and environment spelling: what upstream errors may quote.
  [
    /((?:secret_?access_?key|session_?token|client_?secret|(?:access|refresh|id)_?token|pass(?:word|phrase))\\*["']?\s*[:=>]\s*\\*["']?)[A-Za-z0-9+/=_.~%-]{8,}/gi,
    `$1${HIDDEN}`,
  ],
  // `Authorization` headers other than a signature, which is no secret by itself.
  [
    /\b(authorization\\*["']?\s*[:=]\s*\\*["']?(?:bearer |basic )?)(?!AWS4-HMAC)[A-Za-z0-9+/=_.~-]{8,}/gi,
    `$1${HIDDEN}`,
  ],
  // Signed URLs and console sign-in links.
  [/([?&](?:X-Amz-Signature|X-Amz-Security-Token|SigninToken)=)[^&\s"'\\]+/gi, `$1${HIDDEN}`],
  // User and password of a proxy.
  [/(\/\/)[^/\s:@"'\\]+:[^/\s@"'\\]+@/g, `$1${HIDDEN}@`],
];

/** Names of fields whose text is hidden whatever it looks like; lower case, without `_` and `-`. */
const SECRET_FIELDS = new Set([
  "secretaccesskey",
  "secretkey",
  "sessiontoken",
  "token",
  "accesstoken",
  "refreshtoken",
  "idtoken",
  "clientsecret",
  "authorization",
  "password",
  "passphrase",
  "secret",
  "datakey",
  "mfacode",
  "tokencode",
  "devicecode",
  "usercode",
]);

/** Hides every secret that its form gives away; the last gate before a text leaves for a log. */
export function redactText(text: string): string {
  return PATTERNS.reduce((redacted, [pattern, replacement]) => redacted.replace(pattern, replacement), text);
}

/** Deeper than any field we log; also what ends a walk through something circular. */
const MAX_DEPTH = 6;

/** A plain copy for JSON: errors as code, message and causes, bytes and the text of secret fields hidden. */
export function redactValue(value: unknown, depth = 0): unknown {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Secret || ArrayBuffer.isView(value)) return HIDDEN;
  return depth < MAX_DEPTH ? redactObject(value, depth) : "[deeper]";
}

function redactObject(value: object, depth: number): unknown {
  if (value instanceof Error) return redactError(value, depth);
  if (value instanceof Date) return value.toJSON();
  if (Array.isArray(value)) return value.map((item) => redactValue(item, depth + 1));
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(entries.map(([key, item]) => [String(key), redactField(String(key), item, depth)]));
}

/** Epoch milliseconds since 1973: nothing else that we log under such a name is so large. */
function isTime(name: string, value: unknown): value is number {
  const isNamed = /(?:^expiration|^until|^deadline|At|Since)$/.test(name);
  return isNamed && typeof value === "number" && value >= 1e11 && value <= 8.64e15;
}

function redactField(name: string, value: unknown, depth: number): unknown {
  if (isTime(name, value)) return new Date(value).toISOString();
  const isSecret = SECRET_FIELDS.has(name.replaceAll(/[_-]/g, "").toLowerCase());
  return isSecret && typeof value === "string" && value !== "" ? HIDDEN : redactValue(value, depth + 1);
}

/** Never an error's other fields: SDK errors carry whole requests and responses. */
function redactError(error: Error, depth: number): unknown {
  const { code, hint } = error as { code?: unknown; hint?: unknown };
  return {
    name: error.name,
    ...(typeof code === "string" && { code }),
    message: error.message,
    ...(typeof hint === "string" && { hint }),
    ...(error instanceof AggregateError && { errors: redactValue(error.errors, depth + 1) }),
    ...(error.cause !== undefined && { cause: redactValue(error.cause, depth + 1) }),
    ...(error.stack !== undefined && { stack: withSourceNames(error.stack) }),
  };
}
