import { AwsRefusal } from "./aws-refusal.js";
import type { SignedRequest } from "./sigv4.js";
import type { Action, Parameters } from "./sts-actions.js";

export interface FakeTask {
  /** arn:PARTITION:ecs:REGION:ACCOUNT:task-definition/FAMILY:REVISION */
  readonly arn: string;
  readonly roleArn?: string;
  /** As DescribeTaskDefinition answers them. */
  readonly containers: readonly object[];
  readonly requiresCompatibilities?: readonly string[];
}

const TARGET = "AmazonEC2ContainerServiceV20141113.";

/** JSON 1.1: the action stands in a header, and the body is what the query protocol calls parameters. */
export function ecsParameters({ headers, body }: SignedRequest): Parameters | undefined {
  const target = headers["x-amz-target"];
  if (target?.startsWith(TARGET) !== true) return undefined;
  return { ...(JSON.parse(body) as Parameters), Action: target.slice(TARGET.length) };
}

/** The task definitions of one region's endpoint. */
export function ecsActions(region: string): Readonly<Record<string, Action>> {
  return {
    DescribeTaskDefinition: ({ tasks }, { account }, { taskDefinition = "" }) => {
      const [family = "", revision] = (taskDefinition.split("task-definition/").at(-1) ?? "").split(":");
      const own = taskDefinition.startsWith("arn:") ? taskDefinition.split("/")[0] : undefined;
      const prefix = own ?? `arn:aws:ecs:${region}:${account}:task-definition`;
      const revisionOf = (arn: string): number => Number(arn.split(":").at(-1));
      const found = tasks
        .filter(({ arn }) => arn.startsWith(`${prefix}/${family}:`) && arn.split(":")[3] === region)
        .filter(({ arn }) => revision === undefined || arn.endsWith(`:${revision}`))
        .toSorted((a, b) => revisionOf(b.arn) - revisionOf(a.arn))[0];
      if (!found) throw new AwsRefusal("ClientException", "Unable to describe task definition.");
      const { arn, roleArn, containers, requiresCompatibilities } = found;
      return {
        taskDefinition: {
          ...{ taskDefinitionArn: arn, family, revision: revisionOf(arn), status: "ACTIVE" },
          ...(roleArn === undefined ? {} : { taskRoleArn: roleArn }),
          ...{ containerDefinitions: containers, requiresCompatibilities },
        },
        tags: [],
      };
    },
  };
}
