import type { z } from "zod";
import { type FieldPositions, valueAt } from "../field-positions.js";
import { fieldsAt, homeOf, sourceTypesWith } from "../schema/field-catalog.js";
import { FIELDS_OF_SOURCE_TYPE } from "../schema/source-schema.js";
import type { ConfigProblem, FieldPath } from "./config-problem.js";
import { showValue } from "./show-value.js";

type Issue = z.core.$ZodIssue;

/** The end of every message about a field that is planned and that this version does not enforce. */
export const NOT_YET = "is known but not supported by this version yet";

const KEY_MATERIAL = /^(?:aws_)?(?:access_key(?:_id)?|secret_(?:access_)?key|session_token|secret)$/;

/** What the schema found, in our words: the offending value, and what may have been meant. */
export function explainIssues(
  issues: readonly Issue[],
  { root, positions }: { root: unknown; positions?: FieldPositions },
): ConfigProblem[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map((segment) => (typeof segment === "symbol" ? String(segment) : segment));
    const value = valueAt(root, path);
    return explainIssue({ issue, path, value, written: positions?.writtenAt(root, path) });
  });
}

interface IssueInPlace {
  readonly issue: Issue;
  readonly path: FieldPath;
  readonly value: unknown;
  readonly written: string | undefined;
}

function explainIssue(place: IssueInPlace): ConfigProblem[] {
  const { issue, path, value } = place;
  if (issue.code === "unrecognized_keys") {
    const type = valueAt(value, ["type"]);
    return issue.keys.map((key) => explainUnknownKey(path, key, type));
  }
  if (issue.code === "invalid_key") {
    return [{ path, message: issue.issues[0]?.message ?? "is not a name that can be used", at: "key" }];
  }
  if (value === undefined) return [{ path, message: "is required" }];
  if (value === null) return [{ path, message: "has no value; give it one or remove the line" }];
  return [explainValue(place)];
}

function explainValue(place: IssueInPlace): ConfigProblem {
  const { issue, path, value } = place;
  if (issue.code === "invalid_union" && issue.path.at(-1) === "type") return explainSourceType(path, value);
  if (issue.code === "invalid_value") return explainChoice(issue, path, value);
  if (issue.code === "invalid_type") return { path, message: explainType(issue, place) };
  return { path, message: `${issue.message}${notThis(value)}` };
}

function explainUnknownKey(parent: FieldPath, key: string, sourceType: unknown): ConfigProblem {
  const path = [...parent, key];
  const { fields, later } = fieldsAt(parent, sourceType);
  if (later.includes(key)) return { path, message: NOT_YET, at: "key" };
  if (KEY_MATERIAL.test(key.toLowerCase())) {
    const source = parent[0] === "sources" ? String(parent[1]) : "SOURCE";
    return { path, message: `keys never stand in the config: brokerctl keys add ${source}`, at: "key" };
  }
  const types = parent[0] === "sources" ? sourceTypesWith(key) : [];
  if (types.length > 0) {
    return { path, message: `belongs to sources of type ${types.join(" or ")}, not ${String(sourceType)}`, at: "key" };
  }
  const home = homeOf(key);
  if (home !== undefined) return { path, message: `does not belong here but in ${home}`, at: "key" };
  return { path, message: "unknown key", at: "key", suggest: { given: key, names: fields } };
}

function explainSourceType(path: FieldPath, value: unknown): ConfigProblem {
  const names = [...FIELDS_OF_SOURCE_TYPE.keys()];
  const message = `must be one of ${names.join(", ")}, not ${showValue(value)}`;
  return typeof value === "string" ? { path, message, suggest: { given: value, names } } : { path, message };
}

function explainChoice(issue: z.core.$ZodIssueInvalidValue, path: FieldPath, value: unknown): ConfigProblem {
  const names = issue.values.map(String);
  const rule = issue.message.startsWith("must ") ? issue.message : `must be one of ${names.join(", ")}`;
  const message = `${rule}, not ${showValue(value)}`;
  return typeof value === "string" ? { path, message, suggest: { given: value, names } } : { path, message };
}

function explainType(issue: z.core.$ZodIssueInvalidType, { value, written }: IssueInPlace): string {
  if (issue.expected === "string" && (typeof value === "number" || typeof value === "boolean")) {
    return `must be text, not a ${typeof value}; quote it: ${JSON.stringify(written ?? String(value))}`;
  }
  const rule = issue.message.startsWith("must ")
    ? issue.message
    : `must be ${EXPECTED[issue.expected] ?? issue.expected}`;
  const unquote = typeof value === "string" && /^\d+$/.test(value) ? " without quotes" : "";
  return `${rule}${unquote}, not ${showValue(value)}`;
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: "text",
  number: "a whole number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
  record: "a map",
};

/** A rule on a whole map or list speaks for itself. */
function notThis(value: unknown): string {
  return typeof value === "object" ? "" : `, not ${showValue(value)}`;
}
