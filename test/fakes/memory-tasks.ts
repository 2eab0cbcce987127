import type { TrustReport } from "../../src/core/deployed-function.js";
import { BrokerError } from "../../src/core/errors.js";
import type { TaskContext } from "../../src/core/task-context.js";
import type { DeployedTasks, MadeTaskRole } from "../../src/lambda/deployed-tasks.js";
import { lambdaRole, lambdaRoleName } from "../../src/lambda/lambda-role.js";
import type { WantedTrust } from "../../src/lambda/trust.js";
import type { Via } from "../../src/lambda/via.js";
import { trustIn } from "./memory-functions.js";

const ACCOUNT = "111111111111";

/** Tasks that exist, by family; every one has a role of its own name, and one container. */
export class MemoryTasks implements DeployedTasks {
  readonly tasks = new Map<string, TaskContext>();
  readonly trusted = new Set<string>();

  add(family: string, extra: Partial<TaskContext> = {}): TaskContext {
    const context: TaskContext = { ...taskContext(family), ...extra };
    this.tasks.set(family, context);
    return context;
  }

  async makeRole(via: Via, taskText: string, container: string | null): Promise<MadeTaskRole> {
    const { context, roleArn } = this.#read(taskText);
    if (container !== null && container !== context.container) {
      throw new BrokerError("UsageInvalid", `task definition ${taskText} has no container ${container}`);
    }
    const { family, taskDefinitionArn: arn, region } = context;
    const name = lambdaRoleName({ kind: "task", text: taskText, via: via.role.name, mode: "assume" });
    const named = { name, workload: { kind: "task", name: family, arn }, roleArn, via: via.role.name } as const;
    return Promise.resolve({ context, roleArn, role: lambdaRole({ ...named, mode: "assume", region }, via.role) });
  }

  async trust(via: Via, taskText: string, { action }: WantedTrust): Promise<TrustReport> {
    return Promise.resolve(trustIn(this.trusted, this.#read(taskText).roleArn, { via, action }));
  }

  #read(family: string): { readonly context: TaskContext; readonly roleArn: string } {
    const context = this.tasks.get(family);
    if (context) return { context, roleArn: `arn:aws:iam::${ACCOUNT}:role/${family}` };
    throw new BrokerError("NotFound", `there is no task definition ${family} in eu-west-1`);
  }
}

/** Of one container, `app`, on Fargate. */
export function taskContext(family: string): TaskContext {
  return {
    ...{ family, revision: 3, region: "eu-west-1", container: "app", containers: ["app"], launchType: "FARGATE" },
    taskDefinitionArn: `arn:aws:ecs:eu-west-1:${ACCOUNT}:task-definition/${family}:3`,
    ...{ variables: {}, secrets: [], environmentFiles: [] },
  };
}
