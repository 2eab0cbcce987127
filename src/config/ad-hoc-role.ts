import { guardOfUnnamed } from "../core/guard.js";
import { type AwsSsoCacheSource, type Role, type Source, type SsoSource, ssoRoleParts } from "../core/role.js";
import { roleDigest } from "../core/role-digest.js";
import type { Config } from "./config.js";
import { fitsPartition, partitionOfRegion } from "./partition.js";
import { accountIdField, ssoRoleNameField } from "./schema/field-rules.js";

/**
 * `SOURCE:ACCOUNT/ROLE` as a role that no entry of the config names: what `role add` on that source would
 * make. Undefined where the text is none, the account is not given by its id, or the source is not there or of another type.
 */
export function adHocRole(
  name: string,
  { sources, defaultRegion, roles }: Pick<Config, "sources" | "defaultRegion"> & Partial<Pick<Config, "roles">>,
): Role | undefined {
  const parts = ssoRoleParts(name);
  if (!parts) return undefined;
  const source = sources.get(parts.source);
  if (!hasPermissionSets(source)) return undefined;
  const account = accountIdField.safeParse(parts.account);
  const permissionSet = ssoRoleNameField.safeParse(parts.roleName);
  if (!account.success || !permissionSet.success) return undefined;
  const definition = {
    name,
    origin: { kind: "source", source } as const,
    sso: { accountId: account.data, roleName: permissionSet.data },
    ...regionOf(source, defaultRegion),
    stsRegion: source.stsRegion,
  };
  const guard = guardOfUnnamed(definition, roles?.values() ?? []);
  return { ...definition, digest: roleDigest(definition), ...(guard && { guard }) };
}

function hasPermissionSets(source: Source | undefined): source is SsoSource | AwsSsoCacheSource {
  return source?.type === "sso" || source?.type === "aws_sso_cache";
}

function regionOf({ stsRegion }: SsoSource | AwsSsoCacheSource, region: string | undefined): Pick<Role, "region"> {
  return fitsPartition(region, partitionOfRegion(stsRegion) ?? "aws") ? { region } : {};
}
