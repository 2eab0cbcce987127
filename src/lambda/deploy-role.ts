import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { IamRoles } from "../aws/iam-roles.js";
import type { Sts } from "../aws/sts.js";
import type { DeployRole, DeployRoleWish } from "../core/deploy-role.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import type { Role } from "../core/role.js";
import { type DeployTemplate, deployTemplate, rolesPolicy } from "./deploy-template.js";
import { trustPrincipal } from "./trust-principal.js";
import { trustContent } from "./trust-statement.js";
import type { Via } from "./via.js";

export interface DeployRoleOptions {
  readonly sts: Sts;
  readonly iamRoles: IamRoles;
  readonly via: Via;
  readonly wish: DeployRoleWish;
}

/** Nothing is changed: what the role would be, and a template that makes it. */
export async function planDeployRole(options: DeployRoleOptions): Promise<DeployRole> {
  return reported(options, await templateFor(options), "planned");
}

/**
 * Makes the role by IAM, as the template would. `Conflict` where another role has its name; one that is the same already is given what
 * it lacks, so that a second try goes on where the first one stopped.
 */
export async function makeDeployRole(options: DeployRoleOptions): Promise<DeployRole> {
  const { iamRoles, via } = options;
  const template = await templateFor(options);
  const { roleName, trustPolicy, policyArns, managedRoles, description } = template;
  const region = via.role.stsRegion;
  const isThere = await refuseOther(options, template);
  if (!isThere) {
    await iamRoles.createRole(via.signer, { roleName, trustPolicy: JSON.stringify(trustPolicy), description }, region);
  }
  for (const policyArn of policyArns) await iamRoles.attachPolicy(via.signer, { roleName, policyArn }, region);
  if (managedRoles.length > 0) {
    const policy = { roleName, policyName: ROLES_POLICY, document: JSON.stringify(rolesPolicy(managedRoles)) };
    await iamRoles.putInlinePolicy(via.signer, policy, region);
  }
  return reported(options, template, isThere ? "present" : "made");
}

const ROLES_POLICY = "Roles";

async function templateFor({ sts, iamRoles, via, wish }: DeployRoleOptions): Promise<DeployTemplate> {
  const principal = await trustPrincipal({ sts, iamRoles, via });
  const [, partition = "aws", , , account = ""] = principal.arn.split(":");
  const { Effect, Principal, Action, Condition: byName } = trustContent(principal, via.role);
  const externalId = externalIdOf(principal.arn, wish.roleName);
  const inAccount = (name: string): string => `arn:${partition}:iam::${account}:role/${name}`;
  const condition = { ...byName, StringEquals: { "sts:ExternalId": externalId } };
  const isDefault = wish.policyArns.length === 0;
  return {
    ...{ roleName: wish.roleName, roleArn: inAccount(wish.roleName), principal: principal.arn, externalId },
    letsIn: principal.arnLike ?? [principal.arn],
    description: "For deploying, assumed through credbroker",
    trustPolicy: { Version: "2012-10-17", Statement: [{ Effect, Principal, Action, Condition: condition }] },
    policyArns: isDefault ? [`arn:${partition}:iam::aws:policy/PowerUserAccess`] : wish.policyArns,
    managedRoles: wish.managedRoles.map(inAccount),
  };
}

/** The same each time: an external id keeps other accounts' mistakes out, and is no secret (IAM, "The confused deputy"). */
function externalIdOf(principal: string, roleName: string): string {
  return `credbroker-${createHash("sha256").update(`${principal} ${roleName}`).digest("hex").slice(0, 20)}`;
}

/** Whether the very role is there already. */
async function refuseOther({ iamRoles, via }: DeployRoleOptions, template: DeployTemplate): Promise<boolean> {
  const { roleName, roleArn, trustPolicy } = template;
  try {
    const there = await iamRoles.getRole(via.signer, roleName, via.role.stsRegion);
    if (there.arn === roleArn && isDeepStrictEqual(JSON.parse(there.trustPolicy), trustPolicy)) return true;
  } catch (thrown) {
    const error = toBrokerError(thrown);
    if (error.code === "NotFound") return false;
    throw error;
  }
  throw new BrokerError("Conflict", `there is a role ${roleName} already, which lets others in: nothing was changed`, {
    hint: "choose another name, or change that role's trust policy yourself",
  });
}

function reported(
  { via, wish }: DeployRoleOptions,
  template: DeployTemplate,
  outcome: DeployRole["outcome"],
): DeployRole {
  const { roleArn, principal, letsIn, externalId, policyArns } = template;
  const notes = [
    ...(wish.managedRoles.length > 0
      ? [
          `who has this role can give a role called ${wish.managedRoles.join(" or ")} any permission, and run code with it`,
        ]
      : ["it makes no IAM roles: --manage-roles NAMES lets it, for roles of those names"]),
    ...(principal.endsWith(":root") ? [`the caller's own policies must also allow sts:AssumeRole on ${roleArn}`] : []),
  ];
  return {
    roleArn,
    principal,
    letsIn,
    externalId,
    policyArns,
    template: deployTemplate(template),
    signer: signerOf(via.role),
    outcome,
    notes,
  };
}

/** A session of a long-term key may assume roles only if it was opened with MFA; the key itself always may. */
function signerOf({ name, origin, assume, sso }: Role): DeployRole["signer"] {
  if (origin.kind === "role") return { sourceRole: name };
  const { source } = origin;
  if (!assume && source.type === "keys") return { source: source.name };
  return sso && name.includes(":") ? { unnamed: { source: source.name, ...sso } } : { sourceRole: name };
}
