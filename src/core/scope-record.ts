import { count, fieldsOf, optional, text } from "./json-fields.js";
import type { LeaseScope } from "./lease-scope.js";

const FIELDS = ["readOnly", "services", "policy", "policyArns", "sessionSeconds", "description"];

/** A scope as it stands in a file; `at` is where, for messages. */
export function parseScope(value: unknown, at: string): LeaseScope {
  const fields = fieldsOf(value, at, FIELDS);
  if (fields.values.size === 0) throw new Error(`${at} narrows nothing`);
  return {
    ...optional(fields, "readOnly", (flag) => (flag === true ? flag : undefined)),
    ...optional(fields, "services", texts),
    ...optional(fields, "policy", text),
    ...optional(fields, "policyArns", texts),
    ...optional(fields, "sessionSeconds", count),
    ...optional(fields, "description", text),
  };
}

function texts(value: unknown): readonly string[] | undefined {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  return value.every((one): one is string => text(one) !== undefined) ? value : undefined;
}
