import type { SigningCredentials } from "../core/credentials.js";

/** A variable of a container whose value ECS fetches when the task starts. */
export interface ContainerSecret {
  readonly name: string;
  /** ARN or name in Secrets Manager or the parameter store. */
  readonly valueFrom: string;
}

export interface ContainerDefinition {
  readonly name: string;
  /** The task ends with it. */
  readonly essential: boolean;
  readonly variables: Readonly<Record<string, string>>;
  readonly secrets: readonly ContainerSecret[];
  /** ARNs of objects in S3. */
  readonly environmentFiles: readonly string[];
}

/** DescribeTaskDefinition's answer, as far as running a container's code elsewhere needs it. */
export interface TaskDefinition {
  readonly arn: string;
  readonly family: string;
  readonly revision: number;
  /** null: the task has no role of its own. */
  readonly taskRoleArn: string | null;
  /** `FARGATE`, `EC2`, `EXTERNAL`: what it was registered for; empty: it was not said. */
  readonly launchTypes: readonly string[];
  readonly containers: readonly ContainerDefinition[];
}

/** ECS, one call a method; failures are BrokerErrors made by aws-error: an unknown family is `NotFound`, a refusal `AccessDenied`. */
export interface Ecs {
  /** `taskDefinition`: family (its newest revision), `FAMILY:REVISION` or ARN. */
  describeTaskDefinition(signer: SigningCredentials, taskDefinition: string, region: string): Promise<TaskDefinition>;
}
