import {
  type Answer,
  allOf,
  anyOf,
  expand,
  isResource,
  isText,
  not,
  type Piece,
  type RequestContext,
} from "./patterns.js";
import type { Conditions } from "./statements.js";

export interface ConditionsAnswer {
  readonly answer: Answer;
  /** Those that do not hold, else those that cannot be known: `StringEquals aws:SourceVpce`. */
  readonly because: readonly string[];
}

/** Whether a statement's conditions hold: all of them must. What is not known of the request is not guessed. */
export function evaluateConditions(
  conditions: Conditions,
  context: RequestContext,
  hasVariables: boolean,
): ConditionsAnswer {
  const answers = conditions.map(([operator, key, values]) => {
    const patterns = values.map((value) => expand(value, context, hasVariables));
    return { answer: evaluate(operator, patterns, context.get(key.toLowerCase())), said: `${operator} ${key}` };
  });
  const answer = allOf(answers.map((one) => one.answer));
  return {
    answer,
    because: answers.filter((one) => answer !== "yes" && one.answer === answer).map(({ said }) => said),
  };
}

type Value = string | null | undefined;
type Test = (pattern: readonly Piece[], value: string) => Answer;

/** Of one value of the request and one of the policy. */
const TESTS: Readonly<Partial<Record<string, Test>>> = {
  stringequals: (pattern, value) => exactly(pattern, value),
  stringequalsignorecase: (pattern, value) => exactly(pattern.map(lowerCase), value.toLowerCase()),
  stringlike: isText,
  arnequals: isResource,
  arnlike: isResource,
  bool: (pattern, value) => exactly(pattern.map(lowerCase), value.toLowerCase()),
  dateequals: dates((request, policy) => request === policy),
  datelessthan: dates((request, policy) => request < policy),
  datelessthanequals: dates((request, policy) => request <= policy),
  dategreaterthan: dates((request, policy) => request > policy),
  dategreaterthanequals: dates((request, policy) => request >= policy),
};

/** IAM user guide, "IAM JSON policy elements: Condition operators" and "…: context keys with multiple values". */
function evaluate(written: string, patterns: readonly (readonly Piece[])[], value: Value): Answer {
  const { operator, quantifier, isIfExists } = operatorOf(written);
  if (operator === "null") return isNull(patterns, value);
  if (value === undefined) return "unknown";
  const negated = /^(string|arn|date|numeric)not/.test(operator);
  // Without the key: what is negated holds, and so do IfExists and ForAllValues.
  if (value === null) return negated || isIfExists || quantifier === "forallvalues" ? "yes" : "no";
  const test = TESTS[operator.replace("not", "")];
  if (!test) return "unknown";
  const answer = anyOf(patterns.map((pattern) => test(pattern, value)));
  return negated ? not(answer) : answer;
}

interface Operator {
  readonly operator: string;
  readonly quantifier: string;
  readonly isIfExists: boolean;
}

function operatorOf(written: string): Operator {
  const [, quantifier = "", name = "", ifExists] =
    /^(?:(for(?:any|all)values?):)?(.*?)(ifexists)?$/.exec(written.toLowerCase()) ?? [];
  return { operator: name, quantifier, isIfExists: ifExists !== undefined };
}

/** `"Null": { key: "true" }`: the request has no such key. */
function isNull(patterns: readonly (readonly Piece[])[], value: Value): Answer {
  if (value === undefined) return "unknown";
  const wanted = value === null ? "true" : "false";
  return anyOf(patterns.map((pattern) => exactly(pattern.map(lowerCase), wanted)));
}

/** Wildcards stand for themselves. */
function exactly(pattern: readonly Piece[], value: string): Answer {
  return isText(
    pattern.map((piece) => (piece.kind === "text" ? { kind: "exact", text: piece.text } : piece)),
    value,
  );
}

function lowerCase(piece: Piece): Piece {
  return piece.kind === "unknown" ? piece : { ...piece, text: piece.text.toLowerCase() };
}

/** ISO 8601, or seconds since 1970. */
function dates(compare: (request: number, policy: number) => boolean): Test {
  return (pattern, value) => {
    const [piece] = pattern;
    if (pattern.length !== 1 || piece?.kind !== "text") return "unknown";
    const [request, policy] = [instant(value), instant(piece.text)];
    if (Number.isNaN(request) || Number.isNaN(policy)) return "unknown";
    return compare(request, policy) ? "yes" : "no";
  };
}

function instant(text: string): number {
  return /^\d{1,11}$/.test(text) ? Number(text) * 1000 : Date.parse(text);
}
