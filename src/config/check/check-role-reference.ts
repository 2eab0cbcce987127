import type { Source } from "../../core/role.js";
import { adHocRole } from "../ad-hoc-role.js";
import type { ConfigProblem, FieldPath } from "./config-problem.js";
import type { Entries } from "./link-roles.js";
import { showValue } from "./show-value.js";

/** What a name of a role may lead to. */
export interface KnownRoles {
  readonly roles: Entries<unknown>;
  readonly sources: Entries<unknown>;
  /** Sources without problems. */
  readonly resolved: ReadonlyMap<string, Source>;
}

/** A field that names a role (`lambda.via`, a stage): one of the file, or SOURCE:ACCOUNT/ROLE on a source of it. */
export interface RoleReference {
  readonly path: FieldPath;
  readonly name: string;
}

export function checkRoleReference(reference: RoleReference, known: KnownRoles): readonly ConfigProblem[] {
  const { name } = reference;
  if (name === "" || known.roles.has(name)) return [];
  const colon = name.indexOf(":");
  return colon < 0 ? [unknownRole(reference, known)] : checkAdHoc(reference, name.slice(0, colon), known);
}

function unknownRole({ path, name }: RoleReference, { roles, sources }: KnownRoles): ConfigProblem {
  const quoted = showValue(name);
  if (sources.has(name)) return { path, message: `${quoted} is a source, not a role` };
  return { path, message: `unknown role ${quoted}`, suggest: { given: name, names: [...roles.keys()] } };
}

function checkAdHoc(
  { path, name }: RoleReference,
  source: string,
  { sources, resolved }: KnownRoles,
): readonly ConfigProblem[] {
  if (!sources.has(source)) {
    const message = `unknown source ${showValue(source)} in ${showValue(name)}`;
    return [{ path, message, suggest: { given: source, names: [...sources.keys()] } }];
  }
  // A source with problems of its own is reported there.
  if (!resolved.has(source) || adHocRole(name, { sources: resolved })) return [];
  const rule = "ACCOUNT is 12 digits, ROLE a permission set's name, SOURCE of type sso or aws_sso_cache";
  return [{ path, message: `must be a role or SOURCE:ACCOUNT/ROLE (${rule}), not ${showValue(name)}` }];
}
