import { join } from "node:path";
import type { Aws } from "../aws/aws.js";
import type { WriteAtomic } from "../files/state-file.js";
import {
  createDeployedFunctions,
  type DeployedFunctions,
  type DeployedFunctionsOptions,
} from "../lambda/deployed-functions.js";
import { createDeployedTasks, type DeployedTasks } from "../lambda/deployed-tasks.js";
import { LambdaRoles } from "../lambda/lambda-roles.js";
import type { Clock } from "../system/clock.js";
import type { BrokerPaths } from "../system/paths.js";

/** What is done about functions and tasks that are deployed, and the roles that their code gets here. */
export interface Deployed {
  readonly lambdaRoles: LambdaRoles;
  readonly functions: DeployedFunctions;
  readonly tasks: DeployedTasks;
}

interface DeployedParts {
  readonly paths: BrokerPaths;
  readonly clock: Clock;
  /** Who runs the broker. */
  readonly user: string;
  readonly writeAtomic: WriteAtomic;
  readonly narrow: DeployedFunctionsOptions["narrow"];
  readonly aws: Pick<Aws, "lambda" | "cloudFormation" | "ecs" | "iamRoles" | "sts">;
}

export function buildDeployed({ paths, clock, user, writeAtomic, aws, narrow }: DeployedParts): Deployed {
  const roles = new LambdaRoles({ path: join(paths.stateDir, "lambda-roles.json"), writeAtomic, clock });
  const around = { ...aws, clock, user, roles, narrow };
  return { lambdaRoles: roles, functions: createDeployedFunctions(around), tasks: createDeployedTasks(around) };
}
