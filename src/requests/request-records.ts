import { type AccessRequest, REQUEST_STATES } from "../core/access-request.js";
import {
  count,
  fieldsOf,
  listOf,
  matching,
  nullable,
  oneOf,
  required,
  text,
  versionedJson,
} from "../core/json-fields.js";
import { parseScope } from "../core/scope-record.js";

/** Since requests have scopes. */
const VERSION = 2;
const UNSCOPED_VERSION = 1;
export const REQUEST_ID_PATTERN = /^[a-z2-7]{6}$/;
const FIELDS = [
  ...["id", "lease", "role", "digest", "scope", "reason", "forSeconds", "pid"],
  ...["state", "createdAt", "decidedAt", "decidedBy", "until"],
];

export function renderRequests(requests: readonly AccessRequest[]): string {
  return `${JSON.stringify({ version: VERSION, requests }, null, 2)}\n`;
}

/** Strict: a field that is unknown, missing or out of range throws an Error that names it. */
export function parseRequests(json: string): readonly AccessRequest[] {
  const root = fieldsOf(versionedJson(json, VERSION, [UNSCOPED_VERSION]), "the file", ["version", "requests"]);
  return listOf(root, "requests", parseRequest);
}

function parseRequest(value: unknown, at: string): AccessRequest {
  const fields = fieldsOf(value, at, FIELDS);
  const lease = fieldsOf(fields.values.get("lease"), `${at}.lease`, ["id", "label"]);
  return {
    id: required(fields, "id", matching(REQUEST_ID_PATTERN)),
    lease: { id: required(lease, "id", text), label: required(lease, "label", text) },
    role: required(fields, "role", text),
    digest: required(fields, "digest", matching(/^[0-9a-f]{64}$/)),
    scope: required(fields, "scope", (scope) => (scope === "any" ? scope : parseScope(scope, `${at}.scope`))),
    reason: required(fields, "reason", text),
    forSeconds: required(fields, "forSeconds", count),
    pid: required(fields, "pid", nullable(count)),
    state: required(fields, "state", oneOf(REQUEST_STATES)),
    createdAt: required(fields, "createdAt", count),
    decidedAt: required(fields, "decidedAt", nullable(count)),
    decidedBy: required(fields, "decidedBy", nullable(oneOf(["person", "rule"]))),
    until: required(fields, "until", nullable(count)),
  };
}
