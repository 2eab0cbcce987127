import { evaluateConditions } from "./conditions.js";
import { type Answer, allOf, anyOf, expand, isAction, isResource, not, type RequestContext } from "./patterns.js";
import type { Named, Statement } from "./statements.js";

/** What is asked of AWS. */
export interface Question {
  readonly action: string;
  /** null: not told. */
  readonly resource: string | null;
  readonly context: RequestContext;
}

/** How far a statement is about a question. */
export interface Verdict {
  readonly statement: Statement;
  /** All three together. */
  readonly applies: Answer;
  readonly action: Answer;
  readonly resource: Answer;
  readonly condition: Answer;
  /** The conditions that do not hold, or cannot be known. */
  readonly because: readonly string[];
}

export interface Evaluation {
  /** allowed, denied by a statement (explicit), allowed by none (implicit), or it depends on what is not known. */
  readonly outcome: "allowed" | "explicit" | "implicit" | "unknown";
  readonly verdicts: readonly Verdict[];
}

/** What the statements of one kind of policy say together: a Deny wins, and without an Allow there is none. */
export function evaluate(statements: readonly Statement[], question: Question): Evaluation {
  const verdicts = statements.map((statement) => verdictOf(statement, question));
  const of = (effect: Statement["effect"]): Answer =>
    anyOf(verdicts.filter(({ statement }) => statement.effect === effect).map(({ applies }) => applies));
  return { outcome: outcomeOf(of("Deny"), of("Allow")), verdicts };
}

function outcomeOf(denies: Answer, allows: Answer): Evaluation["outcome"] {
  if (denies === "yes") return "explicit";
  if (allows === "no") return "implicit";
  return denies === "no" && allows === "yes" ? "allowed" : "unknown";
}

function verdictOf(statement: Statement, { action, resource, context }: Question): Verdict {
  const byAction = named(statement.actions, (pattern) => (isAction(pattern, action) ? "yes" : "no"));
  const byResource = named(statement.resources, (pattern) => resourceAnswer(pattern, statement, { resource, context }));
  const condition = evaluateConditions(statement.conditions, context, statement.hasVariables);
  return {
    statement,
    applies: allOf([byAction, byResource, condition.answer]),
    ...{ action: byAction, resource: byResource, condition: condition.answer, because: condition.because },
  };
}

function resourceAnswer(
  pattern: string,
  { hasVariables }: Statement,
  { resource, context }: Pick<Question, "resource" | "context">,
): Answer {
  if (pattern === "*") return "yes";
  return resource === null ? "unknown" : isResource(expand(pattern, context, hasVariables), resource);
}

function named({ patterns, isInverse }: Named, test: (pattern: string) => Answer): Answer {
  const answer = anyOf(patterns.map(test));
  return isInverse ? not(answer) : answer;
}
