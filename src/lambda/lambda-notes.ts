import type { LambdaRoleMode } from "./lambda-role.js";

/** What the code cannot do here as it can where it is deployed, one line each. */
export function lambdaNotes(mode: LambdaRoleMode, via: string): readonly string[] {
  return [...(mode === "assume" ? [] : narrowed(via)), ...EVERYWHERE];
}

function narrowed(via: string): readonly string[] {
  return [
    `effective permissions = role ${via} AND the policies of the function's role, as they are now`,
    `GetCallerIdentity shows role ${via}: resource and key policies that name the function's role do not match`,
    "aws:PrincipalArn, aws:PrincipalTag and policy variables of the caller have the values of that role",
  ];
}

const EVERYWHERE = [
  "policies with the condition lambda:SourceFunctionArn do not match: only Lambda itself sets that key",
  "calls come from this machine's network: conditions on the function's VPC or its endpoints do not match",
];
