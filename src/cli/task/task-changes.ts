import { delimiter } from "node:path";
import type { TaskContext } from "../../core/task-context.js";
import { joined } from "../../runtime-api/function-environment.js";
import { changesFor, regionVariables, type VariableChanges } from "../access/variables.js";
import type { CliContext } from "../context.js";
import { refuseAgainstLease, sortedVariables, tellLeftOut, withheldNames } from "../lambda/deployed-variables.js";

export interface TaskChangesOptions {
  readonly task: TaskContext;
  /** What points to the lease, and what stands beside it. */
  readonly granted: Readonly<Record<string, string>>;
  /** What the user sets over all of it. */
  readonly set: Readonly<Record<string, string>>;
}

/** Where a container of ECS asks about its task: of another one, where this machine is one. */
const METADATA = ["ECS_CONTAINER_METADATA_URI", "ECS_CONTAINER_METADATA_URI_V4", "ECS_AGENT_URI"];

/** The lease, the container's variables and those that ECS sets; what is left out, or is not known here, is told. */
export function taskChanges({ task, granted, set: given }: TaskChangesOptions, context: CliContext): VariableChanges {
  const { usable, competing, local } = sortedVariables(task.variables);
  const lease = changesFor(granted, { ...context.env, ...usable, ...given });
  refuseAgainstLease(Object.keys(given), lease);
  const withheld = withheldNames(Object.keys(usable), lease);
  const passed = Object.fromEntries(Object.entries(usable).filter(([name]) => !withheld.includes(name)));
  const localPath = passed["PATH"] === undefined ? undefined : context.env["PATH"];
  const set = {
    ...setByEcs(task),
    ...lease.set,
    // Unlike Lambda's, the region is the container's to choose.
    ...passed,
    // This machine's first: its directories are other ones than the container's.
    ...joined("PATH", delimiter, [localPath, passed["PATH"]]),
    ...joined("NO_PROXY", ",", [passed["NO_PROXY"] ?? passed["no_proxy"], lease.set["NO_PROXY"]]),
    ...joined("no_proxy", ",", [passed["no_proxy"] ?? passed["NO_PROXY"], lease.set["no_proxy"]]),
    ...given,
  };
  tellLeftOut("container", { competing: [...withheld, ...competing], local }, context);
  tellMissing(task, Object.keys(given), context);
  return { set, unset: [...lease.unset, ...METADATA] };
}

const EXECUTION_ENV = { FARGATE: "AWS_ECS_FARGATE", EC2: "AWS_ECS_EC2", EXTERNAL: "AWS_ECS_EXTERNAL" } as const;

function setByEcs({ region, launchType }: TaskContext): Readonly<Record<string, string>> {
  return { ...regionVariables(region), AWS_EXECUTION_ENV: EXECUTION_ENV[launchType] };
}

/** ECS fetches them with the task's execution role, which is not the code's. */
function tellMissing(
  { secrets, environmentFiles }: TaskContext,
  given: readonly string[],
  { output }: CliContext,
): void {
  const missing = secrets.map(({ name }) => name).filter((name) => !given.includes(name));
  const parts = [
    ...(missing.length > 0 ? [`secrets ${missing.join(" ")}`] : []),
    ...(environmentFiles.length > 0 ? [`environmentFiles ${environmentFiles.join(" ")}`] : []),
  ];
  if (parts.length === 0) return;
  const first = missing[0];
  output.warn(
    `not fetched, and so not set: ${parts.join("; ")}`,
    first === undefined ? undefined : `--set ${first}=VALUE, or set it in CMD`,
  );
}
