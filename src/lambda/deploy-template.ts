/** A role for deploying, as it is made by IAM or by CloudFormation. */
export interface DeployTemplate {
  readonly roleName: string;
  readonly roleArn: string;
  readonly principal: string;
  readonly letsIn: readonly string[];
  readonly externalId: string;
  readonly description: string;
  readonly trustPolicy: { readonly Version: string; readonly Statement: readonly object[] };
  readonly policyArns: readonly string[];
  /** ARNs, with stars. */
  readonly managedRoles: readonly string[];
}

/** What Serverless Framework, SAM and CDK do with the roles of their functions. */
const ON_ROLES: readonly string[] = [
  ...[
    "GetRole",
    "CreateRole",
    "DeleteRole",
    "UpdateRole",
    "UpdateAssumeRolePolicy",
    "TagRole",
    "UntagRole",
    "PassRole",
  ],
  ...["GetRolePolicy", "PutRolePolicy", "DeleteRolePolicy", "ListRolePolicies"],
  ...["AttachRolePolicy", "DetachRolePolicy", "ListAttachedRolePolicies"],
].map((action) => `iam:${action}`);

export function rolesPolicy(arns: readonly string[]): object {
  return { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: ON_ROLES, Resource: arns }] };
}

/** YAML of CloudFormation. Values are written as JSON, which YAML reads. */
export function deployTemplate({
  roleName,
  description,
  trustPolicy,
  policyArns,
  managedRoles,
}: DeployTemplate): string {
  const roles = `
      Policies:
        - PolicyName: Roles
          PolicyDocument: ${JSON.stringify(rolesPolicy(managedRoles))}`;
  return `AWSTemplateFormatVersion: "2010-09-09"
Description: A role for deploying, assumed through credbroker
Resources:
  DeployRole:
    Type: AWS::IAM::Role
    Properties:
      RoleName: ${JSON.stringify(roleName)}
      Description: ${JSON.stringify(description)}
      # One hour: the longest that a role which is chained from another one is given.
      MaxSessionDuration: 3600
      # Who may assume it, and only with this external id.
      AssumeRolePolicyDocument: ${JSON.stringify(trustPolicy)}
      # What it may do.
      ManagedPolicyArns: ${JSON.stringify(policyArns)}${managedRoles.length === 0 ? "" : roles}
Outputs:
  RoleArn:
    Value: !GetAtt DeployRole.Arn`;
}
