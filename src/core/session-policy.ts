/** STS: inline policy and managed ARNs together, plain text. */
const MAX_CHARACTERS = 2048;

export interface SessionPolicyEntry {
  /** As the file has it: a map, or JSON text. */
  readonly policy: string | Readonly<Record<string, unknown>> | undefined;
  readonly policyArns: readonly string[] | undefined;
}

interface Problem {
  readonly problem: string;
}

/** The policy as STS is sent it (minified JSON; absent: none), or what is wrong with it. */
export type SessionPolicy = { readonly policy?: string } | Problem;

/** Checks what can be known of a session policy without AWS: that it is one, and its size. */
export function renderSessionPolicy({ policy, policyArns = [] }: SessionPolicyEntry): SessionPolicy {
  const rendered = policy === undefined ? "" : minify(policy);
  if (typeof rendered !== "string") return rendered;

  const characters = policyArns.reduce((sum, arn) => sum + arn.length, rendered.length);
  if (characters > MAX_CHARACTERS) {
    return { problem: `is too long: ${characters} characters with policy_arns, AWS takes ${MAX_CHARACTERS}` };
  }
  return policy === undefined ? {} : { policy: rendered };
}

function minify(policy: string | Readonly<Record<string, unknown>>): string | Problem {
  const document = typeof policy === "string" ? parseJson(policy) : policy;
  if (document === undefined) return { problem: "is not valid JSON" };
  if (!isPolicyDocument(document)) {
    return { problem: "must be a map with Version (a text) and Statement (a list or map)" };
  }
  const text = JSON.stringify(document);
  // STS: [\u0009\u000A\u000D\u0020-\u00FF]+
  const foreign = /[^\t\n\r\x20-\xFF]/u.exec(text)?.[0];
  return foreign === undefined
    ? text
    : { problem: `has the character ${foreign}, which AWS does not take in a policy` };
}

/** undefined: it is no JSON; the parser's own message is dropped, because it quotes the text. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isPolicyDocument(value: unknown): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const { Version: version, Statement: statement } = value as Record<string, unknown>;
  return typeof version === "string" && typeof statement === "object" && statement !== null;
}
