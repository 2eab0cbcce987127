import type { FieldPath } from "./config-problem.js";
import { roleSchema } from "./role-schema.js";
import { configSchema, defaultsSchema, endpointSchema, refreshSchema } from "./schema.js";
import { keysSourceSchema } from "./source-schema.js";

/** The fields a map of the config may have: those of this version, and those the interface names for later ones. */
export interface FieldCatalog {
  readonly fields: readonly string[];
  readonly later: readonly string[];
}

/** interface §2: source types this version knows of but does not serve. */
export const LATER_SOURCE_TYPES: readonly string[] = [
  "sso",
  "web_identity",
  "process",
  "aws_sso_cache",
  "profile",
  "instance_metadata",
  "container",
];

export const SOURCE_FIELDS: FieldCatalog = {
  fields: Object.keys(keysSourceSchema.shape),
  later: [
    "sso_start_url",
    "sso_region",
    "sso_session",
    "web_identity_token_file",
    "credential_process",
    "mfa_process",
    "profile",
  ],
};

export const ROLE_FIELDS: FieldCatalog = {
  fields: Object.keys(roleSchema.shape),
  later: ["guard", "sso_account_id", "sso_role_name", "mfa_process"],
};

const TOP_FIELDS: FieldCatalog = { fields: Object.keys(configSchema.shape), later: ["projects", "lambda"] };

const SECTION_FIELDS: Readonly<Record<string, FieldCatalog>> = {
  endpoint: { fields: Object.keys(endpointSchema.shape), later: [] },
  defaults: { fields: Object.keys(defaultsSchema.shape), later: [] },
  refresh: { fields: Object.keys(refreshSchema.shape), later: [] },
};

/** The fields of the map at this path; none for maps with free keys. */
export function fieldsAt(path: FieldPath): FieldCatalog {
  const [section] = path;
  if (section === undefined) return TOP_FIELDS;
  if (path.length === 2 && section === "sources") return SOURCE_FIELDS;
  if (path.length === 2 && section === "roles") return ROLE_FIELDS;
  return (path.length === 1 ? SECTION_FIELDS[section] : undefined) ?? { fields: [], later: [] };
}

/** Where else a field of this name is at home, for people: `a role`; undefined: nowhere. */
export function homeOf(field: string): string | undefined {
  if (SOURCE_FIELDS.fields.includes(field)) return "a source";
  if (ROLE_FIELDS.fields.includes(field)) return "a role";
  if (TOP_FIELDS.fields.includes(field)) return "the top of the file";
  return Object.keys(SECTION_FIELDS).find((section) => SECTION_FIELDS[section]?.fields.includes(field));
}
