import type { ControlResponse } from "../../control-api/contract.js";
import type { Form } from "../access/lease-variables.js";
import { scopeOfFlags } from "../access/scope-options.js";
import type { ScopeFlags } from "../access/wanted-scope.js";
import { parseDuration } from "../arguments/argument-values.js";
import type { CliContext } from "../context.js";
import { confirmRole, type NarrowedTerms } from "../guard/confirm-role.js";
import { assignments } from "../lambda/code-options.js";
import { explainDenial, fetchDeployedRole, type LocalRun, withDeployedRole } from "../lambda/deployed-role.js";
import { regionOf, sayVia } from "../lambda/lambda-options.js";
import { withLogin } from "../login/login.js";
import { taskChanges } from "./task-changes.js";

/** A task's container as the command line names it. */
export interface NamedTask extends ScopeFlags {
  readonly name: string;
  readonly container: string | undefined;
  readonly via: string | undefined;
  readonly region: string | undefined;
  readonly reason: string | undefined;
  readonly for: string | undefined;
  readonly as: Form | undefined;
  /** NAME=VALUE, over the deployed variables. */
  readonly set: readonly string[];
}

/** Runs `use` with a lease on the task's role and the container's environment; the lease ends with it. */
export async function withTask<T>(
  wanted: NamedTask,
  context: CliContext,
  use: (run: LocalRun) => Promise<T>,
): Promise<T> {
  const { for: duration, as: form = "header" } = wanted;
  const forSeconds = duration === undefined ? undefined : parseDuration(duration, "--for");
  const set = assignments(wanted.set);
  const { role, scope, confirmation, context: task } = await deployedTask(wanted, forSeconds, context);
  const terms = { ...(scope && { scope }), ...(confirmation !== undefined && { confirmation }) };
  return withDeployedRole(
    { role, forSeconds, form, ...terms },
    (granted) => taskChanges({ task, granted, set }, context),
    { context, use },
  );
}

type DeployedTask = ControlResponse<"task-role"> & NarrowedTerms;

/** Reads the task definition and fetches the credentials of its role: what is missing shows here and not inside its code. */
async function deployedTask(
  named: NamedTask,
  forSeconds: number | undefined,
  context: CliContext,
): Promise<DeployedTask> {
  const { name, container = null, via = null, reason } = named;
  const region = regionOf(named.region);
  const scope = await scopeOfFlags(named, context);
  const { client, output } = context;
  const yes = await confirmRole({ target: { by: "new" }, forSeconds, reason, role: via }, context);
  const found = await withLogin(context, via ?? undefined, () =>
    client.call("task-role", { task: name, container, via, ...region, ...yes }),
  );
  sayVia(name, found, context);
  if (found.change !== undefined) output.warn(found.change);
  const { containers, container: chosen } = found.context;
  if (container === null && containers.length > 1) output.hint(`container ${chosen}, the only essential one`);
  const { taskRoleArn: roleArn } = found;
  const trustCommand = `brokerctl task trust ${name} --via ${found.via}    # what would have to be added`;
  const explain = (error: unknown): unknown => explainDenial(error, { via: found.via, roleArn, trustCommand });
  const terms = await fetchDeployedRole(found, { ...(scope && { scope }), forSeconds, reason, explain }, context);
  return { ...found, ...terms };
}
