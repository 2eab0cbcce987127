import { createHash } from "node:crypto";

/** An account that a user is assigned to, with the permission sets that are. */
export interface FakeAccount {
  /** 12 digits. */
  readonly accountId: string;
  readonly accountName: string;
  readonly emailAddress: string;
  readonly roles: readonly string[];
}

const STAGES = ["Development", "Staging", "Production"] as const;
const PERMISSION_SETS = ["AdministratorAccess", "PowerUserAccess", "ReadOnlyAccess", "Billing", "Developer"] as const;

/** So many accounts with so many roles each, the same every time; names have spaces, as real ones do. */
export function organization(accounts: number, rolesEach: number): readonly FakeAccount[] {
  return Array.from({ length: accounts }, (_, index) => {
    const number = String(index + 1).padStart(2, "0");
    const stage = STAGES[index % STAGES.length] ?? "";
    return {
      accountId: String(100_000_000_001 + index),
      accountName: `Team ${number} ${stage}`,
      emailAddress: `aws+team-${number}@example.com`,
      roles: Array.from({ length: rolesEach }, (_unused, role) => permissionSet(role)),
    };
  });
}

function permissionSet(index: number): string {
  const name = PERMISSION_SETS[index % PERMISSION_SETS.length] ?? "";
  const round = Math.floor(index / PERMISSION_SETS.length);
  return round === 0 ? name : `${name}-${round + 1}`;
}

/** The IAM role that Identity Center keeps in an account for a permission set: for trust policies and expected ARNs. */
export function ssoRoleArn(accountId: string, roleName: string, region: string): string {
  const hash = createHash("sha256").update(`${accountId}/${roleName}`).digest("hex").slice(0, 16);
  return `arn:aws:iam::${accountId}:role/aws-reserved/sso.amazonaws.com/${region}/AWSReservedSSO_${roleName}_${hash}`;
}
