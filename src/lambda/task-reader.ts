import type { ContainerDefinition, Ecs, TaskDefinition } from "../aws/ecs.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import type { TaskContext } from "../core/task-context.js";
import { parseTaskName, type TaskName } from "./task-name.js";
import { regionOfNamed, type Via } from "./via.js";

export interface ReadTask {
  readonly definition: TaskDefinition;
  /** Of the role that its containers run with. */
  readonly roleArn: string;
  readonly name: TaskName;
  readonly region: string;
}

/** Reads a task definition with the credentials of `via`, as functions are read. UsageInvalid, NotFound, AccessDenied. */
export async function readTask(ecs: Ecs, via: Via, taskText: string): Promise<ReadTask> {
  const name = parseTaskName(taskText);
  const region = regionOfNamed(name, via, `task definition ${name.family}`);
  const definition = await describe(ecs, via, { taskText, region });
  if (definition.taskRoleArn !== null) return { definition, roleArn: definition.taskRoleArn, name, region };
  const what = `task definition ${definition.family}:${definition.revision}`;
  throw new BrokerError("NotSupported", `${what} has no task role: its code has no credentials of its own in ECS`, {
    hint: "brokerctl exec ROLE -- CMD    # the execution role is for ECS itself, which pulls images and secrets with it",
  });
}

async function describe(
  ecs: Ecs,
  via: Via,
  { taskText, region }: { readonly taskText: string; readonly region: string },
): Promise<TaskDefinition> {
  try {
    return await ecs.describeTaskDefinition(via.signer, taskText, region);
  } catch (thrown) {
    const error = toBrokerError(thrown);
    if (error.code !== "NotFound") throw error;
    throw new BrokerError("NotFound", `there is no task definition ${taskText} in ${region}: ${error.message}`, {
      hint: "aws ecs list-task-definition-families --status ACTIVE    # and check --region",
      cause: error,
    });
  }
}

/** The container whose code is to run: the one that is named, the only one, or the only one that the task ends with. */
export function contextOf({ definition, region }: ReadTask, container: string | null): TaskContext {
  const { containers, family, revision, arn } = definition;
  const { name, variables, secrets, environmentFiles } = chosen(definition, container);
  return {
    ...{ family, revision, taskDefinitionArn: arn, region, container: name, launchType: launchTypeOf(definition) },
    ...{ containers: containers.map((each) => each.name), variables, secrets, environmentFiles },
  };
}

function chosen({ containers, family, revision }: TaskDefinition, wanted: string | null): ContainerDefinition {
  const essential = containers.filter((each) => each.essential);
  const found =
    wanted === null
      ? [containers, essential].find((each) => each.length === 1)?.[0]
      : containers.find(({ name }) => name === wanted);
  if (found) return found;
  const names = containers.map((each) => `${each.name}${each.essential ? " (essential)" : ""}`).join(", ");
  const problem = wanted === null ? "has several containers" : `has no container ${wanted}`;
  throw new BrokerError("UsageInvalid", `task definition ${family}:${revision} ${problem}: ${names}`, {
    hint: `--container ${essential[0]?.name ?? containers[0]?.name ?? "NAME"}`,
  });
}

function launchTypeOf({ launchTypes }: TaskDefinition): TaskContext["launchType"] {
  const known = ["FARGATE", "EC2", "EXTERNAL"] as const;
  return known.find((type) => launchTypes.includes(type)) ?? "EC2";
}
