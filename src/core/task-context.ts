/**
 * What is known of a container of a deployed ECS task: DescribeTaskDefinition's answer as far as running its code elsewhere needs it.
 * Never the value of a secret: ECS fetches those itself when a task starts.
 */
export interface TaskContext {
  readonly family: string;
  readonly revision: number;
  readonly taskDefinitionArn: string;
  readonly region: string;
  /** The one whose code runs here. */
  readonly container: string;
  /** All of the task. */
  readonly containers: readonly string[];
  readonly launchType: "FARGATE" | "EC2" | "EXTERNAL";
  readonly variables: Readonly<Record<string, string>>;
  /** Names of variables whose values are secrets, and where those are. */
  readonly secrets: readonly { readonly name: string; readonly valueFrom: string }[];
  /** ARNs of objects in S3 with more variables. */
  readonly environmentFiles: readonly string[];
}
