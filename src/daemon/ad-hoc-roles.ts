import { adHocRole } from "../config/ad-hoc-role.js";
import type { Config } from "../config/config.js";
import type { Role } from "../core/role.js";
import type { Services } from "./services.js";

/** The roles that no entry of the config names and that somebody counts on: those of leases, and those in use. */
export function adHocRoles({ leases, credentials }: Pick<Services, "leases" | "credentials">, config: Config): Role[] {
  const ofLeases = leases.list().flatMap(({ role, temporary }) => [role, temporary?.thenRole]);
  const inUse = credentials.snapshot().filter(({ wantedAt }) => wantedAt !== undefined);
  const names = new Set([...ofLeases, ...inUse.map(({ role }) => role.name)]);
  return [...names].flatMap((name) => {
    if (name === null || name === undefined || config.roles.has(name)) return [];
    return adHocRole(name, config) ?? [];
  });
}
