import type { IamRoles } from "../aws/iam-roles.js";
import type { CallerIdentity, Sts } from "../aws/sts.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import type { Role } from "../core/role.js";
import type { Via } from "./via.js";

/** Whom a trust policy must let in, so that `via` may assume the role. */
export interface TrustPrincipal {
  /** Of a user, a role with its path, or an account's root. */
  readonly arn: string;
  /** With an account's root: what `aws:PrincipalArn` must be like. */
  readonly arnLike?: readonly string[];
}

export interface PrincipalQuestion {
  readonly sts: Sts;
  readonly iamRoles: IamRoles;
  readonly via: Via;
}

/**
 * The config names the ARN of an assumed role. Of others GetCallerIdentity tells, which leaves the role's path out: IAM
 * knows it, and where IAM may not be asked it is the account with a condition on the role's name, which is unique in it.
 */
export async function trustPrincipal({ sts, iamRoles, via }: PrincipalQuestion): Promise<TrustPrincipal> {
  const { role, signer } = via;
  if (role.assume) return { arn: role.assume.roleArn };
  const identity = await sts.getCallerIdentity(signer, role.stsRegion);
  const roleName = assumedRoleName(identity);
  if (roleName === undefined) return { arn: unassumed(identity, role) };
  const arn = await roleArn({ iamRoles, via, roleName });
  return arn?.split(":")[4] === identity.account ? { arn } : byName(roleName, identity);
}

function assumedRoleName({ arn }: CallerIdentity): string | undefined {
  return /^arn:[\w-]+:sts::\d{12}:assumed-role\/([\w+=,.@-]{1,64})\//.exec(arn)?.[1];
}

/** Users are what GetCallerIdentity says. A root's ARN would let in its whole account, and AWS lets no root assume a role. */
function unassumed({ arn }: CallerIdentity, { name }: Role): string {
  if (/^arn:[\w-]+:iam::\d{12}:user\/.+$/.test(arn)) return arn;
  if (arn.endsWith(":root")) {
    throw new BrokerError("UsageInvalid", `role ${name} is ${arn}: a root user cannot assume roles`, {
      hint: "--via a role that is assumed, or a user",
    });
  }
  throw new BrokerError("UsageInvalid", `role ${name} is ${arn}, which no trust policy can name`, {
    hint: "--via a role that is assumed, or a user",
  });
}

/** undefined: IAM does not tell. */
async function roleArn({
  iamRoles,
  via,
  roleName,
}: Omit<PrincipalQuestion, "sts"> & { readonly roleName: string }): Promise<string | undefined> {
  try {
    return (await iamRoles.getRole(via.signer, roleName, via.role.stsRegion)).arn;
  } catch (thrown) {
    const error = toBrokerError(thrown);
    if (error.code === "AccessDenied" || error.code === "NotFound") return undefined;
    throw error;
  }
}

/** Roles of Identity Center are under a path of their own, in most regions with the region in it. */
const SSO_ROLE = "AWSReservedSSO_";
const SSO_PATH = "aws-reserved/sso.amazonaws.com/";

/** With and without a path: a star alone would let names in that only end alike. */
function byName(roleName: string, { arn, account }: CallerIdentity): TrustPrincipal {
  const prefix = `arn:${arn.split(":")[1]}:iam::${account}`;
  const path = roleName.startsWith(SSO_ROLE) ? SSO_PATH : "";
  return {
    arn: `${prefix}:root`,
    arnLike: [`${prefix}:role/${path}${roleName}`, `${prefix}:role/${path}*/${roleName}`],
  };
}
