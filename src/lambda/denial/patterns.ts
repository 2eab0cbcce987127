/** unknown: it depends on what cannot be known here. */
export type Answer = "yes" | "no" | "unknown";

/** What is known of a request, by lower-case condition key; null: it is known to have no such key. */
export type RequestContext = ReadonlyMap<string, string | null>;

export function not(answer: Answer): Answer {
  return answer === "yes" ? "no" : answer === "no" ? "yes" : "unknown";
}

/** One yes is enough. */
export function anyOf(answers: readonly Answer[]): Answer {
  if (answers.includes("yes")) return "yes";
  return answers.includes("unknown") ? "unknown" : "no";
}

/** One no is enough. */
export function allOf(answers: readonly Answer[]): Answer {
  if (answers.includes("no")) return "no";
  return answers.includes("unknown") ? "unknown" : "yes";
}

/** Actions are compared without regard to case. */
export function isAction(pattern: string, action: string): boolean {
  return isLike(marksOf([literal(pattern.toLowerCase())]), action.toLowerCase());
}

/**
 * `*` and `?` within each part of an ARN, the last of which goes to its end; what an ARN lacks of its six parts is any (IAM user
 * guide, "IAM JSON policy elements: Resource").
 */
export function isResource(pattern: readonly Piece[], resource: string): Answer {
  const wanted = partsOf(pattern);
  if (isAny(wanted)) return "yes";
  const found = /^([^:]*):([^:]*):([^:]*):([^:]*):([^:]*):(.*)$/s.exec(resource)?.slice(1);
  if (!found) return isText(pattern, resource);
  return allOf(found.map((part, index) => isText(wanted[index] ?? ANY, part)));
}

const ANY: readonly Piece[] = [{ kind: "text", text: "*" }];

function isAny(parts: readonly (readonly Piece[])[]): boolean {
  return parts.length === 1 && parts[0]?.length === 1 && parts[0][0]?.kind === "text" && parts[0][0].text === "*";
}

/** A text with its `*` and `?`; where a variable is not known it matches, at most, as if it were `*`. */
export function isText(pattern: readonly Piece[], text: string): Answer {
  if (!isLike(marksOf(pattern), text)) return "no";
  return pattern.some(({ kind }) => kind === "unknown") ? "unknown" : "yes";
}

/** A part of a pattern: with its wildcards, a text that stands for itself, or a variable whose value is not known. */
export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "exact"; readonly text: string }
  | { readonly kind: "unknown"; readonly key: string };

function literal(text: string): Piece {
  return { kind: "text", text };
}

const VARIABLE = /\$\{([^}]*)\}/g;

/** The pattern with its variables replaced, as far as they are known. */
export function expand(pattern: string, context: RequestContext, hasVariables: boolean): readonly Piece[] {
  if (!hasVariables) return [literal(pattern)];
  const pieces: Piece[] = [];
  let from = 0;
  for (const { index, 0: whole, 1: inner = "" } of pattern.matchAll(VARIABLE)) {
    if (index > from) pieces.push(literal(pattern.slice(from, index)));
    pieces.push(valueOf(inner, context));
    from = index + whole.length;
  }
  if (from < pattern.length || pieces.length === 0) pieces.push(literal(pattern.slice(from)));
  return pieces;
}

/** `${*}`, `${?}` and `${$}` are the characters; `${key, 'text'}` is the text where the request has no such key. */
function valueOf(inner: string, context: RequestContext): Piece {
  if (["*", "?", "$"].includes(inner)) return { kind: "exact", text: inner };
  const [, key = inner, fallback] = /^([^,]*?)\s*(?:,\s*'([^']*)')?$/.exec(inner) ?? [];
  const value = context.get(key.toLowerCase());
  if (value === undefined) return { kind: "unknown", key };
  const text = value ?? fallback;
  // AWS: a variable without a value makes the pattern match nothing.
  return text === undefined ? { kind: "exact", text: "\0" } : { kind: "exact", text };
}

/** Split at colons of the pattern itself into at most six. */
function partsOf(pattern: readonly Piece[]): readonly (readonly Piece[])[] {
  const parts: Piece[][] = [[]];
  for (const piece of pattern) {
    if (piece.kind !== "text") {
      parts.at(-1)?.push(piece);
      continue;
    }
    const left = 6 - parts.length;
    const split = piece.text.split(":");
    const pieces = split.length > left + 1 ? [...split.slice(0, left), split.slice(left).join(":")] : split;
    for (const [index, text] of pieces.entries()) {
      if (index > 0) parts.push([]);
      if (text !== "") parts.at(-1)?.push(literal(text));
    }
  }
  return parts;
}

const ONE = Symbol("?");
const MANY = Symbol("*");
/** One character of a pattern, or what stands for one or many. */
type Mark = string | typeof ONE | typeof MANY;

function marksOf(pieces: readonly Piece[]): readonly Mark[] {
  return pieces.flatMap((piece): Mark[] => {
    if (piece.kind === "unknown") return [MANY];
    const characters = Array.from(piece.text);
    if (piece.kind === "exact") return characters;
    return characters.map((character) => (character === "*" ? MANY : character === "?" ? ONE : character));
  });
}

/**
 * The last star takes as little as it can, and more where that fails: a regular expression would try all stars against each other,
 * which a policy of some length makes last for ever.
 */
function isLike(marks: readonly Mark[], text: string): boolean {
  const characters = Array.from(text);
  let mark = 0;
  let star = -1;
  let taken = 0;
  for (let at = 0; at < characters.length; ) {
    if (marks[mark] === ONE || marks[mark] === characters[at]) {
      mark++;
      at++;
    } else if (marks[mark] === MANY) {
      star = mark++;
      taken = at;
    } else if (star >= 0) {
      mark = star + 1;
      at = ++taken;
    } else return false;
  }
  return marks.slice(mark).every((rest) => rest === MANY);
}
