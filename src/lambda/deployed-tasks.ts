import type { Ecs } from "../aws/ecs.js";
import type { IamRoles } from "../aws/iam-roles.js";
import type { Sts } from "../aws/sts.js";
import type { TrustReport } from "../core/deployed-function.js";
import type { Role } from "../core/role.js";
import type { TaskContext } from "../core/task-context.js";
import type { Clock } from "../system/clock.js";
import { type LambdaRoleDefinition, lambdaRole, lambdaRoleName, roleChange, sessionName } from "./lambda-role.js";
import type { LambdaRoles } from "./lambda-roles.js";
import { contextOf, type ReadTask, readTask } from "./task-reader.js";
import { trustOf, type WantedTrust } from "./trust.js";
import { accountOf, type Via } from "./via.js";

export interface DeployedTasksOptions {
  readonly ecs: Ecs;
  readonly iamRoles: IamRoles;
  readonly sts: Sts;
  readonly clock: Clock;
  readonly roles: Pick<LambdaRoles, "get" | "put">;
  readonly user: string;
}

/** A task's container as it was read, and the role that its code gets here. */
export interface MadeTaskRole {
  readonly context: TaskContext;
  readonly roleArn: string;
  readonly role: Role;
  readonly change?: string | undefined;
}

/** What is done about tasks of ECS that are deployed. */
export interface DeployedTasks {
  /** Reads the task definition and keeps the definition of its role, durably; NotFound, AccessDenied, NotSupported, UsageInvalid. */
  makeRole(via: Via, taskText: string, container: string | null): Promise<MadeTaskRole>;
  trust(via: Via, taskText: string, wanted: WantedTrust): Promise<TrustReport>;
}

export function createDeployedTasks({ ecs, roles, ...around }: DeployedTasksOptions): DeployedTasks {
  return {
    makeRole: async (via, taskText, container) => {
      const read = await readTask(ecs, via, taskText);
      const context = contextOf(read, container);
      const definition: LambdaRoleDefinition = {
        name: lambdaRoleName({ kind: "task", text: nameOf(read, via), via: via.role.name, mode: "assume" }),
        workload: { kind: "task", name: context.family, arn: arnOf(read) },
        roleArn: read.roleArn,
        ...{ via: via.role.name, mode: "assume", region: read.region },
      };
      const role = lambdaRole(definition, via.role);
      const change = roleChange(roles.get(definition.name), definition);
      await roles.put(definition);
      return { context, roleArn: read.roleArn, role, change };
    },
    trust: async (via, taskText, wanted) => {
      const { roleArn, definition } = await readTask(ecs, via, taskText);
      return trustOf({ ...around, via, roleArn, sessionName: sessionName(definition.family) }, wanted);
    },
  };
}

/** One name however it is spelled; elsewhere than in the account and region of `via` the same name is another task's. */
function nameOf({ name, region, ...read }: ReadTask, { role, signer }: Via): string {
  const { family, revision, accountId } = name;
  const own = accountOf(role) ?? signer.accountId;
  const isHere = region === role.region && (accountId === undefined || accountId === own);
  if (!isHere) return arnOf({ name, region, ...read });
  return revision === undefined ? family : `${family}:${revision}`;
}

/** Without a revision it stands for the newest one. */
function arnOf({ definition, name }: ReadTask): string {
  return name.revision === undefined ? definition.arn.replace(/:\d+$/, "") : definition.arn;
}
