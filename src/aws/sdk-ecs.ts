import {
  type ContainerDefinition as Container,
  type TaskDefinition as Definition,
  DescribeTaskDefinitionCommand,
  ECSClient,
} from "@aws-sdk/client-ecs";
import type { SigningCredentials } from "../core/credentials.js";
import { accessError } from "./access-error.js";
import type { AwsCaller, CallOptions } from "./aws-caller.js";
import type { ContainerDefinition, Ecs, TaskDefinition } from "./ecs.js";
import { matches, unusableAnswer } from "./unreachable.js";

const ACTION = "DescribeTaskDefinition";

/** ECS through the AWS SDK. */
export class SdkEcs implements Ecs {
  readonly #caller: AwsCaller;

  constructor({ caller }: { readonly caller: AwsCaller }) {
    this.#caller = caller;
  }

  async describeTaskDefinition(
    signer: SigningCredentials,
    taskDefinition: string,
    region: string,
  ): Promise<TaskDefinition> {
    const { output, host } = await this.#caller.call({
      ...{ service: "ecs", action: ACTION, subject: taskDefinition, region, signer },
      explain: accessError("ecs"),
      client: (options: CallOptions) => new ECSClient(options),
      send: (client, http) => client.send(new DescribeTaskDefinitionCommand({ taskDefinition }), http),
    });
    return checkedDefinition(output.taskDefinition, host);
  }
}

function checkedDefinition(answer: Definition | undefined, host: string): TaskDefinition {
  const {
    taskDefinitionArn: arn,
    family,
    revision,
    taskRoleArn,
    requiresCompatibilities,
    containerDefinitions,
  } = answer ?? {};
  if (!matches(arn, ARN)) throw unusableAnswer(ACTION, host, "no taskDefinitionArn");
  if (!matches(family, /^[\w-]{1,255}$/) || revision === undefined) throw unusableAnswer(ACTION, host, "no family");
  const containers = containerDefinitions?.map((container) => containerOf(container, host)) ?? [];
  if (containers.length === 0) throw unusableAnswer(ACTION, host, "no containers");
  const launchTypes = requiresCompatibilities ?? [];
  return { arn, family, revision, taskRoleArn: checkedRole(taskRoleArn, host), launchTypes, containers };
}

function checkedRole(arn: string | undefined, host: string): string | null {
  if (!arn) return null;
  if (!matches(arn, ROLE_ARN)) throw unusableAnswer(ACTION, host, "a taskRoleArn that is none");
  return arn;
}

const ARN = /^arn:[\w-]+:ecs:[a-z0-9-]+:\d{12}:task-definition\/[\w-]+:\d+$/;
const ROLE_ARN = /^arn:[\w-]+:iam::\d{12}:role\/[\x21-\x7e]+$/;

function containerOf(container: Container, host: string): ContainerDefinition {
  const { name, essential = true, environment = [], secrets = [], environmentFiles = [] } = container;
  if (!name) throw unusableAnswer(ACTION, host, "a container without a name");
  return {
    ...{ name, essential },
    variables: Object.fromEntries(environment.map((each) => [each.name ?? "", each.value ?? ""])),
    secrets: secrets.map((each) => ({ name: each.name ?? "", valueFrom: each.valueFrom ?? "" })),
    environmentFiles: environmentFiles.map(({ value }) => value ?? ""),
  };
}
