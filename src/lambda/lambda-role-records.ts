import type { LambdaMode } from "../core/deployed-function.js";
import {
  count,
  fieldsOf,
  listOf,
  matching,
  oneOf,
  optional,
  required,
  text,
  versionedJson,
} from "../core/json-fields.js";
import type { LambdaRoleDefinition } from "./lambda-role.js";

/** A definition and when it was last made. */
export interface LambdaRoleRecord {
  readonly definition: LambdaRoleDefinition;
  /** Epoch milliseconds. */
  readonly madeAt: number;
}

const VERSION = 1;
const MODES: readonly LambdaMode[] = ["assume", "session-policy"];
const roleArn = matching(/^arn:[\w-]+:iam::\d{12}:role\/.+$/);
const arns = (value: unknown): readonly string[] | undefined =>
  Array.isArray(value) && value.every((arn): arn is string => text(arn) !== undefined) ? value : undefined;

/** What `lambda-roles.json` holds. */
export function renderLambdaRoles(records: Iterable<LambdaRoleRecord>): string {
  const roles = [...records].map(({ definition, madeAt }) => ({ ...definition, madeAt }));
  return `${JSON.stringify({ version: VERSION, roles }, null, 2)}\n`;
}

/** Strict: what is unknown, missing, doubled or out of range throws an Error that says where. */
export function parseLambdaRoles(json: string): readonly LambdaRoleRecord[] {
  const root = fieldsOf(versionedJson(json, VERSION), "the file", ["version", "roles"]);
  const records = listOf(root, "roles", parseRecord);
  const names = new Set(records.map(({ definition }) => definition.name));
  if (names.size < records.length) throw new Error("a role stands there twice");
  return records;
}

const FIELDS = [
  ...["name", "functionName", "functionArn", "functionRoleArn", "via", "mode", "region", "policy", "policyArns"],
  "madeAt",
];

function parseRecord(value: unknown, at: string): LambdaRoleRecord {
  const fields = fieldsOf(value, at, FIELDS);
  const definition = {
    name: required(fields, "name", text),
    functionName: required(fields, "functionName", text),
    functionArn: required(fields, "functionArn", text),
    functionRoleArn: required(fields, "functionRoleArn", roleArn),
    via: required(fields, "via", text),
    mode: required(fields, "mode", oneOf(MODES)),
    region: required(fields, "region", text),
    ...optional(fields, "policy", text),
    ...optional(fields, "policyArns", arns),
  };
  return { definition, madeAt: required(fields, "madeAt", count) };
}
