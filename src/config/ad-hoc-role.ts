import { guardOfUnnamed, type YieldedRole } from "../core/guard.js";
import { type AwsSsoCacheSource, type Role, type Source, type SsoSource, ssoRoleParts } from "../core/role.js";
import { roleDigest } from "../core/role-digest.js";
import type { Config } from "./config.js";
import { fitsPartition, partitionOfRegion } from "./partition.js";
import { ACCOUNT_ID, SSO_ROLE_NAME } from "./schema/name-patterns.js";

/**
 * `SOURCE:ACCOUNT/ROLE` as a role that no entry of the config names: what `role add` on that source would
 * make. Undefined where the text is none, the account is not given by its id, or the source is not there or of another type.
 */
export function adHocRole(
  name: string,
  config: Pick<Config, "sources" | "defaultRegion" | "leftOutGuards"> & Partial<Pick<Config, "roles">>,
): Role | undefined {
  const { sources, defaultRegion } = config;
  const parts = ssoRoleParts(name);
  if (!parts) return undefined;
  const source = sources.get(parts.source);
  if (!hasPermissionSets(source)) return undefined;
  if (!ACCOUNT_ID.test(parts.account) || !SSO_ROLE_NAME.test(parts.roleName)) return undefined;
  const definition = {
    name,
    origin: { kind: "source", source } as const,
    sso: { accountId: parts.account, roleName: parts.roleName },
    ...regionOf(source, defaultRegion),
    stsRegion: source.stsRegion,
  };
  const guard = guardOfUnnamed(definition, guardsIn(config));
  return { ...definition, digest: roleDigest(definition), ...(guard && { guard }) };
}

/** What a role that no entry names is compared with: the config's roles, and the guards of those that are left out of it. */
export function guardsIn({
  roles,
  leftOutGuards = [],
}: Partial<Pick<Config, "roles" | "leftOutGuards">>): readonly YieldedRole[] {
  return [...(roles?.values() ?? []), ...leftOutGuards];
}

function hasPermissionSets(source: Source | undefined): source is SsoSource | AwsSsoCacheSource {
  return source?.type === "sso" || source?.type === "aws_sso_cache";
}

function regionOf({ stsRegion }: SsoSource | AwsSsoCacheSource, region: string | undefined): Pick<Role, "region"> {
  return fitsPartition(region, partitionOfRegion(stsRegion) ?? "aws") ? { region } : {};
}
