import { adHocRole } from "../config/ad-hoc-role.js";
import type { Config } from "../config/config.js";
import type { Role } from "../core/role.js";
import type { Services } from "./services.js";

type Known = Pick<Services, "leases" | "credentials" | "lambdaRoles">;

/** A role that no entry of the config names: one that a source of it can have, or that of a deployed function. */
export function unnamedRole(
  name: string,
  config: Config,
  { lambdaRoles }: Pick<Services, "lambdaRoles">,
): Role | undefined {
  const resolveVia = (via: string): Role | undefined => config.roles.get(via) ?? adHocRole(via, config);
  return adHocRole(name, config) ?? lambdaRoles.role(name, resolveVia);
}

/** The roles that no entry of the config names and that somebody counts on, with what they are chained from. */
export function adHocRoles(known: Known, config: Config): Role[] {
  const found = new Map<string, Role>();
  for (const name of namesInUse(known)) {
    const role = config.roles.has(name) ? undefined : unnamedRole(name, config, known);
    if (!role) continue;
    const { origin } = role;
    if (origin.kind === "role" && !config.roles.has(origin.role.name)) found.set(origin.role.name, origin.role);
    found.set(name, role);
  }
  return [...found.values()];
}

/** The roles that leases name, now or for later, and those whose credentials somebody wants; all others may be let go. */
export function namesInUse({ leases, credentials }: Pick<Known, "leases" | "credentials">): ReadonlySet<string> {
  const ofLeases = leases
    .list()
    .flatMap(({ role, temporary, previousRole }) => [role, temporary?.thenRole, previousRole]);
  const wanted = credentials.snapshot().filter(({ lastRequestedAt }) => lastRequestedAt !== undefined);
  const names = [...ofLeases, ...wanted.map(({ role }) => role.name)];
  return new Set(names.filter((name) => name !== null && name !== undefined));
}
