import {
  count,
  fieldsOf,
  flag,
  listOf,
  matching,
  nullable,
  oneOf,
  optional,
  refuseField,
  required,
  text,
  versionedJson,
} from "../core/json-fields.js";
import type { Grant, Lease, LeaseHolder, LeaseKind } from "../core/lease.js";
import { parseScope } from "../core/scope-record.js";

/** A token that is refused as `LeaseEnded`, so that the client that has it learns what happened. */
export interface EndedToken {
  /** SHA-256, hex. */
  readonly tokenHash: string;
  readonly leaseId: string;
  readonly kind: LeaseKind;
  /** For messages: the lease's name, or its id. */
  readonly label: string;
  readonly endedAt: number;
}

/** What `leases.json` holds: live leases, and tokens that ended within the last day, by hash. */
export interface LeaseRecords {
  readonly leases: readonly Lease[];
  readonly ended: readonly EndedToken[];
  /** Leases whose token in the secret store is revoked and must be replaced (another process held the port while the store was locked). */
  readonly rotationDue: readonly string[];
  /** Names of the leases that an older version let `use` move and this one pins; never written. */
  readonly pinnedNow?: readonly string[];
}

/** Since it is known what made a lease. */
const VERSION = 4;
/** Before leases were pinned or had grants, before they had scopes, and after that. */
const [FIRST_VERSION, UNSCOPED_VERSION, SCOPED_VERSION] = [1, 2, 3];
const KINDS: readonly LeaseKind[] = ["default", "named", "pinned", "child"];
const hash = matching(/^[0-9a-f]{64}$/);
const id = matching(/^[A-Za-z0-9_-]{1,64}$/);
const kind = oneOf(KINDS);
const LEASE_FIELDS = [
  ...["id", "kind", "name", "tokenHash", "role", "followsDefault", "temporary", "previousRole", "holder"],
  ...["pinned", "scope", "grants", "from", "socket"],
  ...["createdAt", "expiresAt", "lastUsedAt"],
];

/** Leases and ended tokens never change, they are replaced: of thousands, a change renders one or two. */
const rendered = new WeakMap<Lease | EndedToken, string>();

/** JSON, a line each: a change of one lease is written in a time that hardly depends on how many others there are. */
export function renderLeaseRecords({ leases, ended, rotationDue }: LeaseRecords): string {
  const lines = (records: readonly (Lease | EndedToken)[]): string =>
    records.length === 0 ? "[]" : `[\n${records.map(lineOf).join(",\n")}\n]`;
  const parts = [`"version": ${VERSION}`, `"leases":${lines(leases)}`, `"ended":${lines(ended)}`];
  return `{${parts.join(",\n")},\n"rotationDue":${JSON.stringify(rotationDue)}}\n`;
}

function lineOf(record: Lease | EndedToken): string {
  const known = rendered.get(record);
  if (known !== undefined) return known;
  const line = JSON.stringify(record);
  rendered.set(record, line);
  return line;
}

/** Strict: a field that is unknown, missing, duplicated or out of range throws an Error that names it. */
export function parseLeaseRecords(json: string): LeaseRecords {
  const content = versionedJson(json, VERSION, [FIRST_VERSION, UNSCOPED_VERSION, SCOPED_VERSION]);
  const root = fieldsOf(content, "the file", ["version", "leases", "ended", "rotationDue"]);
  const records = {
    leases: listOf(root, "leases", parseLease),
    ended: listOf(root, "ended", parseEnded),
    rotationDue: listOf(root, "rotationDue", (value, at) => id(value) ?? refuseField(at)),
  };
  crossCheck(records);
  return root.values.get("version") === FIRST_VERSION ? withPins(records) : records;
}

/** The role that a named lease was made with, or moved to since, is what its user counts on. */
function withPins(records: LeaseRecords): LeaseRecords {
  const isPinned = ({ kind, role }: Lease): boolean => kind === "named" && role !== null;
  return {
    ...records,
    leases: records.leases.map((lease) => (isPinned(lease) ? { ...lease, pinned: true } : lease)),
    pinnedNow: records.leases.filter(isPinned).map(({ name, id: leaseId }) => name ?? leaseId),
  };
}

/** As it stands in a file; `at` is where, for messages. */
export function parseLease(value: unknown, at: string): Lease {
  const fields = fieldsOf(value, at, LEASE_FIELDS);
  return {
    id: required(fields, "id", id),
    kind: required(fields, "kind", kind),
    ...optional(fields, "name", text),
    tokenHash: required(fields, "tokenHash", hash),
    role: required(fields, "role", nullable(text)),
    followsDefault: required(fields, "followsDefault", flag),
    ...optional(fields, "temporary", (temporary) => parseTemporary(temporary, `${at}.temporary`)),
    ...optional(fields, "previousRole", nullable(text)),
    ...optional(fields, "holder", (holder) => parseHolder(holder, `${at}.holder`)),
    ...optional(fields, "pinned", (value) => (value === true ? value : undefined)),
    ...optional(fields, "scope", (scope) => parseScope(scope, `${at}.scope`)),
    ...(fields.values.has("grants") && { grants: listOf(fields, "grants", parseGrant) }),
    ...optional(fields, "from", id),
    ...optional(fields, "socket", text),
    createdAt: required(fields, "createdAt", count),
    expiresAt: required(fields, "expiresAt", nullable(count)),
    lastUsedAt: required(fields, "lastUsedAt", nullable(count)),
  };
}

function parseTemporary(value: unknown, at: string): NonNullable<Lease["temporary"]> {
  const fields = fieldsOf(value, at, ["until", "thenRole", "thenScope"]);
  return {
    until: required(fields, "until", count),
    thenRole: required(fields, "thenRole", nullable(text)),
    ...optional(
      fields,
      "thenScope",
      nullable((scope) => parseScope(scope, `${at}.thenScope`)),
    ),
  };
}

function parseGrant(value: unknown, at: string): Grant {
  const fields = fieldsOf(value, at, ["role", "digest", "grantedAt", "until", "request"]);
  return {
    role: required(fields, "role", text),
    digest: required(fields, "digest", hash),
    grantedAt: required(fields, "grantedAt", count),
    until: required(fields, "until", count),
    ...optional(fields, "request", id),
  };
}

function parseHolder(value: unknown, at: string): LeaseHolder {
  const fields = fieldsOf(value, at, ["pid", "startTime"]);
  return { pid: required(fields, "pid", count), startTime: required(fields, "startTime", text) };
}

export function parseEnded(value: unknown, at: string): EndedToken {
  const fields = fieldsOf(value, at, ["tokenHash", "leaseId", "kind", "label", "endedAt"]);
  return {
    tokenHash: required(fields, "tokenHash", hash),
    leaseId: required(fields, "leaseId", id),
    kind: required(fields, "kind", kind),
    label: required(fields, "label", text),
    endedAt: required(fields, "endedAt", count),
  };
}

/** Two leases of one id, token or name would make look-ups depend on their order. */
function crossCheck({ leases, ended }: LeaseRecords): void {
  const seen = new Set<string>();
  const once = (key: string): void => {
    if (seen.has(key)) throw new Error(`${key} stands there twice`);
    seen.add(key);
  };
  for (const [index, lease] of leases.entries()) {
    once(`the id ${lease.id}`);
    once(`the token hash ${lease.tokenHash}`);
    if (lease.name !== undefined) once(`the name ${lease.name}`);
    if (lease.socket !== undefined) once(`the socket ${lease.socket}`);
    if ((lease.name === undefined) !== (lease.kind === "child")) refuseField(`leases[${index}].name`);
    if ((lease.holder === undefined) !== (lease.kind !== "child")) refuseField(`leases[${index}].holder`);
    if ((lease.kind === "default") !== (lease.name === "default")) refuseField(`leases[${index}].kind`);
  }
  for (const token of ended) once(`the token hash ${token.tokenHash}`);
}
