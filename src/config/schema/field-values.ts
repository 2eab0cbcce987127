import type { FieldValues } from "../../core/config-edit.js";
import { BrokerError } from "../../core/errors.js";
import { nearestName } from "../../core/nearest-name.js";
import { NOT_YET } from "../check/explain-issues.js";
import { showValue } from "../check/show-value.js";
import type { FieldCatalog } from "./field-catalog.js";

/** An entry as plain YAML values, in the order of the catalog's fields. */
export type PlainEntry = Readonly<Record<string, unknown>>;

/** How the fields that are not plain text are typed. */
const READERS: Readonly<Record<string, (field: string, values: readonly string[]) => unknown>> = {
  session_duration_seconds: readNumber,
  duration_seconds: readNumber,
  tags: readPairs,
  transitive_tag_keys: (_, values) => values,
  policy_arns: (_, values) => values,
  sso_registration_scopes: (_, values) => values,
  policy: readJson,
  guard: readGuard,
};

/**
 * Makes an entry of what was typed: numbers, lists, `key=value` pairs and JSON get their types; rules are the schema's.
 * @throws BrokerError `UsageInvalid` that names the field
 */
export function readFieldValues(fields: FieldValues, catalog: FieldCatalog): PlainEntry {
  for (const field of Object.keys(fields)) refuseUnknown(field, catalog);
  const entry: Record<string, unknown> = {};
  for (const field of catalog.fields) {
    const typed = Object.hasOwn(fields, field) ? fields[field] : undefined;
    if (typed === undefined) continue;
    const values = typeof typed === "string" ? [typed] : typed;
    entry[field] = (READERS[field] ?? readText)(field, values);
  }
  return entry;
}

function refuseUnknown(field: string, { fields, later }: FieldCatalog): void {
  if (fields.includes(field)) return;
  if (later.includes(field)) throw new BrokerError("UsageInvalid", `${field} ${NOT_YET}`);
  const nearest = nearestName(field, fields);
  const meant = nearest === undefined ? "" : `; did you mean ${nearest}?`;
  throw new BrokerError("UsageInvalid", `unknown field ${showValue(field)}${meant}`);
}

function readText(field: string, values: readonly string[]): string {
  const [value] = values;
  if (value !== undefined && values.length === 1) return value;
  throw new BrokerError("UsageInvalid", `${field} is given ${values.length} times; it takes one value`);
}

function readNumber(field: string, values: readonly string[]): number {
  const text = readText(field, values);
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new BrokerError("UsageInvalid", `${field} must be a whole number of seconds, not ${showValue(text)}`);
}

function readPairs(field: string, values: readonly string[]): Record<string, string> {
  const pairs = new Map<string, string>();
  for (const pair of values) {
    const split = pair.indexOf("=");
    if (split < 1) throw new BrokerError("UsageInvalid", `${field} must be KEY=VALUE, not ${showValue(pair)}`);
    const key = pair.slice(0, split);
    if (pairs.has(key)) throw new BrokerError("UsageInvalid", `${field} has ${showValue(key)} twice`);
    pairs.set(key, pair.slice(split + 1));
  }
  return Object.fromEntries(pairs);
}

/** `confirm=desktop reason=true max_lease=30m`, a pair each. */
function readGuard(field: string, values: readonly string[]): Record<string, unknown> {
  const truth = new Map<string, unknown>([
    ["true", true],
    ["false", false],
  ]);
  const pairs = Object.entries(readPairs(field, values));
  return Object.fromEntries(pairs.map(([key, value]) => [key, key === "reason" ? (truth.get(value) ?? value) : value]));
}

function readJson(field: string, values: readonly string[]): unknown {
  try {
    return JSON.parse(readText(field, values));
  } catch (error) {
    if (error instanceof BrokerError) throw error;
    throw new BrokerError("UsageInvalid", `${field} is not valid JSON`);
  }
}
