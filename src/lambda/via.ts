import type { IamRole, IamRoles } from "../aws/iam-roles.js";
import type { SigningCredentials } from "../core/credentials.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import type { Role } from "../core/role.js";

/** The role that reads a function and that the role of its code is chained from, and credentials of it. */
export interface Via {
  readonly role: Role;
  readonly signer: SigningCredentials & { readonly accountId?: string };
  /** Where functions are looked for; absent: in the role's region. */
  readonly region?: string;
}

/** Where functions are looked for; UsageInvalid, `what` with it, where neither the command nor the role says. */
export function regionOfVia({ role, region = role.region }: Via, what: string): string {
  if (region !== undefined) return region;
  throw new BrokerError("UsageInvalid", `no region is known for ${what}: role ${role.name} names none`, {
    hint: `--region eu-west-1; for good: \`region\` of role ${role.name} or of \`defaults\` (\`brokerctl config edit\`)`,
  });
}

/** What an ARN may say of where something is. */
export interface NamedPlace {
  readonly partition?: string;
  readonly region?: string;
}

/** Where what is named is looked for: where its ARN says, else as `regionOfVia`. UsageInvalid where one contradicts the other. */
export function regionOfNamed({ partition, region }: NamedPlace, via: Via, what: string): string {
  const { name, assume } = via.role;
  const own = assume?.roleArn.split(":")[1];
  if (partition !== undefined && own !== undefined && partition !== own) {
    throw new BrokerError("UsageInvalid", `${what} is in ${partition}, and role ${name} is in ${own}`, {
      hint: `--via a role of ${partition}`,
    });
  }
  if (region !== undefined && via.region !== undefined && region !== via.region) {
    throw new BrokerError("UsageInvalid", `the ARN of ${what} says ${region}, and --region ${via.region}`, {
      hint: "leave --region out",
    });
  }
  return region ?? regionOfVia(via, what);
}

/** The account of a role, where its definition says. */
export function accountOf({ assume, sso }: Role): string | undefined {
  return assume?.roleArn.split(":")[4] ?? sso?.accountId;
}

/** A role's name, without its path. */
export function roleNameOf(roleArn: string): string {
  return roleArn.split("/").at(-1) ?? "";
}

export interface RoleQuestion {
  readonly iamRoles: IamRoles;
  readonly via: Via;
  readonly roleArn: string;
}

/**
 * GetRole knows roles by name, in the caller's account: there one of the same name, or path, may be another. `Conflict`
 * then, so that nothing is read or written of a role that was not meant.
 */
export async function roleInOwnAccount({ iamRoles, via, roleArn }: RoleQuestion): Promise<IamRole> {
  const role = await iamRoles.getRole(via.signer, roleNameOf(roleArn), via.role.stsRegion).catch((thrown: unknown) => {
    throw orDeleted(toBrokerError(thrown), roleArn);
  });
  if (role.arn === roleArn) return role;
  throw new BrokerError("Conflict", `IAM answers with ${role.arn} where ${roleArn} is meant`, {
    hint: `--via a role of account ${roleArn.split(":")[4]}`,
  });
}

/** The role may have been deleted before its function. */
function orDeleted(error: BrokerError, roleArn: string): BrokerError {
  if (error.code !== "NotFound") return error;
  return new BrokerError("NotFound", `the function's role was deleted: ${roleArn}: ${error.message}`, {
    hint: "aws lambda update-function-configuration --function-name FUNCTION --role ARN    # gives it another",
    cause: error,
  });
}
