import type { IamRoles } from "../aws/iam-roles.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import { narrowableAssume } from "./lambda-role.js";
import { type SessionPolicy, sessionPolicyOf } from "./session-policy.js";
import { roleInOwnAccount, type Via } from "./via.js";

export interface MirrorOptions {
  readonly iamRoles: IamRoles;
  readonly via: Via;
  readonly functionRoleArn: string;
}

/**
 * The policies of a function's role, read with the credentials of `via`, as the session policy that narrows `via`.
 * PolicyUnfit by name where they cannot be said as one, or `via` cannot be narrowed; AccessDenied, NotFound.
 */
export async function mirrorPolicies({ iamRoles, via, functionRoleArn }: MirrorOptions): Promise<SessionPolicy> {
  const { roleArn } = narrowableAssume(via.role);
  const account = roleArn.split(":")[4] ?? "";
  refuseOtherAccount(functionRoleArn, { account, via });
  try {
    const role = await roleInOwnAccount({ iamRoles, via, roleArn: functionRoleArn });
    const { signer } = via;
    const { stsRegion } = via.role;
    const attached = await iamRoles.attachedPolicies(signer, role.roleName, stsRegion);
    const inline = await iamRoles.inlinePolicies(signer, role.roleName, stsRegion);
    return sessionPolicyOf({ attached, inline, permissionsBoundaryArn: role.permissionsBoundaryArn, account });
  } catch (thrown) {
    throw withNeeds(toBrokerError(thrown));
  }
}

function refuseOtherAccount(
  functionRoleArn: string,
  { account, via }: { readonly account: string; readonly via: Via },
): void {
  const own = functionRoleArn.split(":")[4];
  if (own === account) return;
  const whose = `role ${functionRoleArn} is of account ${own}, and role ${via.role.name} of ${account}`;
  throw new BrokerError("PolicyUnfit", `${whose}: its policies can be neither read nor named from there`, {
    hint: `--via a role of account ${own}, or --mode assume`,
  });
}

function withNeeds(error: BrokerError): BrokerError {
  if (error.code !== "AccessDenied") return error;
  const hint = "allow iam:GetRole, iam:ListAttachedRolePolicies, iam:ListRolePolicies and iam:GetRolePolicy to --via";
  return new BrokerError("AccessDenied", error.message, { hint, cause: error });
}
