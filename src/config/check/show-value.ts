const LONGEST_SHOWN = 120;

/** Access key ids (IAM "unique identifiers": AKIA long-term, ASIA session) and our own lease tokens. */
const KNOWN_TOKENS = /\b(?:(?:AKIA|ASIA)[A-Z0-9]{8,}|brk_[\w-]{8,})/g;
/** AWS secret keys are 40 characters of base64, session tokens hundreds; beside paths in ARNs few names run on so long. */
const LONG_RUN = /(?<!arn:[^\s"]*)[A-Za-z0-9+/=]{32,}/g;

/**
 * A config value as an error message may show it: texts quoted, cut at 120 characters and with whatever looks like
 * a secret shortened to its beginning, because users paste keys into the wrong field and logs into issues.
 */
export function showValue(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(shorten(maskSecrets(value)));
  if (Array.isArray(value)) return "a list";
  if (value === null || value === undefined) return "nothing";
  if (typeof value !== "number" && typeof value !== "boolean") return "a map";
  return String(value);
}

/** The text with everything that looks like a key or token cut to its first four characters. */
export function maskSecrets(text: string): string {
  return text.replace(KNOWN_TOKENS, firstFour).replace(LONG_RUN, (run) => (isMixed(run) ? firstFour(run) : run));
}

function firstFour(secret: string): string {
  return `${secret.slice(0, 4)}…`;
}

function isMixed(run: string): boolean {
  return /[a-z]/.test(run) && /[A-Z]/.test(run);
}

function shorten(text: string): string {
  return text.length <= LONGEST_SHOWN ? text : `${text.slice(0, LONGEST_SHOWN / 2)}… (${text.length} characters)`;
}
