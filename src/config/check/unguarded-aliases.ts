import { isSameAwsRole } from "../../core/guard.js";
import type { Role } from "../../core/role.js";

/**
 * What is odd, and may be meant: entries without a guard for the role of AWS that a guarded one yields, a sentence each. One that a policy
 * of its own narrows is none. `name`: of this entry only, or by it.
 */
export function unguardedAliases(roles: ReadonlyMap<string, Role>, name?: string): readonly string[] {
  const all = [...roles.values()];
  const guarded = all.filter(({ guard }) => guard !== undefined);
  if (guarded.length === 0) return [];
  const open = all.filter((role) => role.guard === undefined && !isNarrowed(role));
  return guarded.flatMap((role) =>
    open
      .filter((alias) => isSameAwsRole(role, alias) && (name === undefined || [role.name, alias.name].includes(name)))
      .map(
        (alias) =>
          `role ${alias.name} is the same role of AWS as ${role.name}, and has no guard: who names it gets it without a yes`,
      ),
  );
}

function isNarrowed({ assume }: Role): boolean {
  return assume?.policy !== undefined || (assume?.policyArns?.length ?? 0) > 0;
}
