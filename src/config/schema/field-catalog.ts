import type { FieldPath } from "../check/config-problem.js";
import { guardSchema, requestRuleSchema } from "./guard-schema.js";
import { projectSchema } from "./project-schema.js";
import { roleSchema } from "./role-schema.js";
import { scheduleSchema } from "./schedule-schema.js";
import { configSchema, defaultsSchema, endpointSchema, lambdaSchema, refreshSchema } from "./schema.js";
import { FIELDS_OF_SOURCE_TYPE } from "./source-schema.js";

/** The fields a map of the config may have: those of this version, and those the interface names for later ones. */
export interface FieldCatalog {
  readonly fields: readonly string[];
  readonly later: readonly string[];
}

/** Of all types together. */
export const SOURCE_FIELDS: FieldCatalog = {
  fields: [...new Set([...FIELDS_OF_SOURCE_TYPE.values()].flat())],
  later: [],
};

export const ROLE_FIELDS: FieldCatalog = {
  fields: Object.keys(roleSchema.shape),
  later: [],
};

const GUARD_FIELDS: FieldCatalog = { fields: Object.keys(guardSchema.shape), later: [] };
const RULE_FIELDS: FieldCatalog = { fields: Object.keys(requestRuleSchema.shape), later: [] };
const SCHEDULE_FIELDS: FieldCatalog = { fields: Object.keys(scheduleSchema.shape), later: [] };
const PROJECT_FIELDS: FieldCatalog = { fields: Object.keys(projectSchema.shape), later: [] };

const TOP_FIELDS: FieldCatalog = { fields: Object.keys(configSchema.shape), later: [] };

const SECTION_FIELDS: Readonly<Record<string, FieldCatalog>> = {
  endpoint: { fields: Object.keys(endpointSchema.shape), later: [] },
  defaults: { fields: Object.keys(defaultsSchema.shape), later: [] },
  lambda: { fields: Object.keys(lambdaSchema.shape), later: [] },
  refresh: { fields: Object.keys(refreshSchema.shape), later: [] },
};

/** The fields of the map at this path, of a source those of its type; none for maps with free keys. */
export function fieldsAt(path: FieldPath, sourceType: unknown): FieldCatalog {
  const [section, , inner] = path;
  if (section === undefined) return TOP_FIELDS;
  if (path.length === 1) return SECTION_FIELDS[section] ?? NONE;
  if (path.length === 3) return section === "roles" && inner === "guard" ? GUARD_FIELDS : NONE;
  return path.length === 2 ? entryFields(section, sourceType) : NONE;
}

const NONE: FieldCatalog = { fields: [], later: [] };

function entryFields(section: string | number, sourceType: unknown): FieldCatalog {
  if (section === "sources") return { fields: FIELDS_OF_SOURCE_TYPE.get(String(sourceType)) ?? [], later: [] };
  if (section === "roles") return ROLE_FIELDS;
  if (section === "projects") return PROJECT_FIELDS;
  if (section === "schedules") return SCHEDULE_FIELDS;
  return section === "requests" ? RULE_FIELDS : NONE;
}

/** The types of source that take this field. */
export function sourceTypesWith(field: string): readonly string[] {
  return [...FIELDS_OF_SOURCE_TYPE.keys()].filter((type) => FIELDS_OF_SOURCE_TYPE.get(type)?.includes(field));
}

/** What else has a field of this name, for a message: `a role`; undefined: nowhere. */
export function homeOf(field: string): string | undefined {
  if (SOURCE_FIELDS.fields.includes(field)) return "a source";
  if (ROLE_FIELDS.fields.includes(field)) return "a role";
  if (TOP_FIELDS.fields.includes(field)) return "the top of the file";
  if (GUARD_FIELDS.fields.includes(field)) return "a role's guard";
  if (RULE_FIELDS.fields.includes(field)) return "a rule of requests";
  if (PROJECT_FIELDS.fields.includes(field)) return "a project";
  if (SCHEDULE_FIELDS.fields.includes(field)) return "a schedule";
  return Object.keys(SECTION_FIELDS).find((section) => SECTION_FIELDS[section]?.fields.includes(field));
}
