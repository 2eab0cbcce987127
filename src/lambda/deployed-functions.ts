import type { IamRoles } from "../aws/iam-roles.js";
import type { Lambda } from "../aws/lambda.js";
import type { Sts } from "../aws/sts.js";
import type { Role } from "../core/role.js";
import type { Clock } from "../system/clock.js";
import { type ReadFunction, readFunction, readFunctionRole } from "./function-reader.js";
import { lambdaNotes } from "./lambda-notes.js";
import { type LambdaRoleDefinition, type LambdaRoleMode, lambdaRole, lambdaRoleName } from "./lambda-role.js";
import type { LambdaRoles } from "./lambda-roles.js";
import { mirrorPolicies } from "./policy-mirror.js";
import { roleChange } from "./role-change.js";
import { applyTrust, readTrust, undoTrust } from "./trust.js";
import type { TrustReport } from "./trust-report.js";
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

export type TrustAction = "show" | "apply" | "undo";

/** What is done about functions that are deployed. */
export interface DeployedFunctions {
  /** Reads the function and keeps the definition of its role, durably; NotFound, AccessDenied, PolicyUnfit, UsageInvalid. */
  makeRole(via: Via, functionText: string, mode: LambdaRoleMode): Promise<MadeRole>;
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
