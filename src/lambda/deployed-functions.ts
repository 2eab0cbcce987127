import type { IamRoles } from "../aws/iam-roles.js";
import type { Lambda } from "../aws/lambda.js";
import type { Sts } from "../aws/sts.js";
import type { LambdaMode, TrustAction, TrustReport } from "../core/deployed-function.js";
import type { Role } from "../core/role.js";
import type { Clock } from "../system/clock.js";
import { type ReadFunction, readFunction, readFunctionRole } from "./function-reader.js";
import { type LambdaRoleDefinition, lambdaRole, lambdaRoleName, roleChange } from "./lambda-role.js";
import type { LambdaRoles } from "./lambda-roles.js";
import { mirrorPolicies } from "./policy-mirror.js";
import { applyTrust, readTrust, undoTrust } from "./trust.js";
import type { Via } from "./via.js";

export interface DeployedFunctionsOptions {
  readonly lambda: Lambda;
  readonly iamRoles: IamRoles;
  readonly sts: Sts;
  readonly clock: Clock;
  readonly roles: Pick<LambdaRoles, "get" | "put">;
}

/** A function as it was read, and the role that its code gets here. */
export interface MadeRole extends ReadFunction {
  readonly role: Role;
  readonly notes: readonly string[];
  /** Since the function was last read; undefined: nothing that concerns the role. */
  readonly change?: string | undefined;
}

/** What is done about functions that are deployed. */
export interface DeployedFunctions {
  /** Reads the function and keeps the definition of its role, durably; NotFound, AccessDenied, PolicyUnfit, UsageInvalid. */
  makeRole(via: Via, functionText: string, mode: LambdaMode): Promise<MadeRole>;
  trust(via: Via, functionText: string, action: TrustAction): Promise<TrustReport>;
}

const TRUST = { show: readTrust, apply: applyTrust, undo: undoTrust } as const;

export function createDeployedFunctions(options: DeployedFunctionsOptions): DeployedFunctions {
  const { lambda, iamRoles, sts, clock, roles } = options;
  return {
    makeRole: async (via, functionText, mode) => {
      const read = await readFunction(lambda, via, functionText);
      const policies = mode === "assume" ? {} : await mirrorPolicies({ iamRoles, via, functionRoleArn: read.roleArn });
      const definition: LambdaRoleDefinition = {
        name: lambdaRoleName({ functionText, via: via.role.name, mode }),
        functionName: read.context.functionName,
        functionArn: read.context.functionArn,
        functionRoleArn: read.roleArn,
        via: via.role.name,
        mode,
        region: read.context.region,
        ...policies,
      };
      const role = lambdaRole(definition, via.role);
      const change = roleChange(roles.get(definition.name), definition);
      await roles.put(definition);
      return { ...read, role, notes: lambdaNotes(mode, via.role.name), change };
    },
    trust: async (via, functionText, action) => {
      const functionRoleArn = await readFunctionRole(lambda, via, functionText);
      return TRUST[action]({ sts, iamRoles, clock, via, functionRoleArn });
    },
  };
}

/** What the code cannot do here as it can where it is deployed, one line each. */
function lambdaNotes(mode: LambdaMode, via: string): readonly string[] {
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
