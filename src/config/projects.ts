import { checkRoleReference, type KnownRoles } from "./check/check-role-reference.js";
import type { ConfigProblem } from "./check/config-problem.js";
import type { Entries } from "./check/link-roles.js";
import { showValue } from "./check/show-value.js";
import type { Project } from "./config.js";
import type { ProjectEntry } from "./schema/project-schema.js";

/** Roles that there are, and a path that is one project's only. Entries that could not be read are reported elsewhere. */
export function checkProjects(entries: Entries<ProjectEntry>, known: KnownRoles): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const owners = new Map<string, string>();
  for (const [name, entry] of entries) {
    if (!entry) continue;
    const at = ["projects", name];
    const { role, stages } = entry;
    if (role !== undefined) problems.push(...checkRoleReference({ path: [...at, "role"], name: role }, known));
    for (const [stage, of] of Object.entries(stages ?? {})) {
      problems.push(...checkRoleReference({ path: [...at, "stages", stage], name: of }, known));
    }
    const path = plainPath(entry.path);
    const owner = owners.get(path);
    if (owner === undefined) owners.set(path, name);
    else problems.push({ path: [...at, "path"], message: `${showValue(entry.path)} is project ${owner}'s already` });
  }
  return problems;
}

/** Those that could be read. */
export function projectsOf(entries: Entries<ProjectEntry>): readonly Project[] {
  return [...entries].flatMap(([name, entry]) => {
    if (!entry) return [];
    const stages = Object.entries(entry.stages ?? {}).map(([stage, role]) => ({ stage, role }));
    return [{ name, path: plainPath(entry.path), ...(entry.role !== undefined && { role: entry.role }), stages }];
  });
}

function plainPath(path: string): string {
  return path.replace(/\/$/, "");
}
