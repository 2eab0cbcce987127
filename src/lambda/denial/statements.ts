import { parsePolicy } from "../policy-json.js";

/** A policy as IAM has it: its document is JSON text. */
export interface NamedPolicy {
  /** As findings call it: `inline policy orders`, `managed policy arn:…`, `permissions boundary arn:…`. */
  readonly name: string;
  readonly arn?: string;
  readonly document: string;
}

/** Condition operator → key → values. */
export type Conditions = readonly (readonly [operator: string, key: string, values: readonly string[]])[];

/** A list that is named, or all but that list. */
export interface Named {
  readonly patterns: readonly string[];
  /** `NotAction`, `NotResource` */
  readonly isInverse: boolean;
}

/** One statement of a policy, in one form. */
export interface Statement {
  readonly policy: NamedPolicy;
  /** `statement ReadOrders`, or by its place, from 1: `statement 2`. */
  readonly label: string;
  readonly effect: "Allow" | "Deny";
  readonly actions: Named;
  readonly resources: Named;
  readonly conditions: Conditions;
  /** Policies of Version 2008-10-17 know no `${…}`. */
  readonly hasVariables: boolean;
}

/** The statements of a policy; undefined: it is no policy document that can be read without its meaning becoming another. */
export function statementsOf(policy: NamedPolicy): readonly Statement[] | undefined {
  const parsed = parsePolicy(policy.document);
  if (!isRecord(parsed)) return undefined;
  const { Version: version, Statement: written = [] } = parsed;
  const list: readonly unknown[] = Array.isArray(written) ? written : [written];
  const statements = list.map((one, index) =>
    statementOf(one, { policy, index, hasVariables: version === "2012-10-17" }),
  );
  return statements.every((one) => one !== undefined) ? statements : undefined;
}

interface Place {
  readonly policy: NamedPolicy;
  readonly index: number;
  readonly hasVariables: boolean;
}

function statementOf(written: unknown, { policy, index, hasVariables }: Place): Statement | undefined {
  if (!isRecord(written)) return undefined;
  const { Effect: effect, Sid: sid } = written;
  const actions = named(written, "Action", "NotAction");
  const resources = named(written, "Resource", "NotResource");
  const conditions = conditionsOf(written["Condition"]);
  if ((effect !== "Allow" && effect !== "Deny") || !actions || !resources || !conditions) return undefined;
  const label = `statement ${typeof sid === "string" && sid !== "" ? sid : index + 1}`;
  return { policy, label, effect, actions, resources, conditions, hasVariables };
}

function named(statement: Readonly<Record<string, unknown>>, name: string, inverse: string): Named | undefined {
  const isInverse = statement[name] === undefined;
  const patterns = texts(statement[isInverse ? inverse : name]);
  return patterns && { patterns, isInverse };
}

function conditionsOf(written: unknown = {}): Conditions | undefined {
  if (!isRecord(written)) return undefined;
  const conditions: (readonly [string, string, readonly string[]])[] = [];
  for (const [operator, tests] of Object.entries(written)) {
    if (!isRecord(tests)) return undefined;
    for (const [key, value] of Object.entries(tests)) {
      const values = texts(value);
      if (!values) return undefined;
      conditions.push([operator, key, values]);
    }
  }
  return conditions;
}

/** Policies may have one value in place of a list, and booleans and numbers in place of texts. */
function texts(value: unknown): readonly string[] | undefined {
  if (value === undefined) return undefined;
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const isPlain = (one: unknown): one is string | number | boolean =>
    typeof one === "string" || typeof one === "number" || typeof one === "boolean";
  return list.every(isPlain) ? list.map(String) : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
