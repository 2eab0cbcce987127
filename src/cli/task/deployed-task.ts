import type { ControlResponse } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import { directToEndpoint, withChanges } from "../access/child-environment.js";
import type { Form } from "../access/lease-variables.js";
import { withOwnLease } from "../access/own-lease.js";
import { scopeOfFlags } from "../access/scope-options.js";
import type { ScopeFlags } from "../access/wanted-scope.js";
import { parseDuration } from "../arguments/argument-values.js";
import { neutralAwsFiles } from "../aws-files/neutral-aws-files.js";
import type { CliContext, Environment } from "../context.js";
import { confirmRole, type NarrowedTerms } from "../guard/confirm-role.js";
import { assignments } from "../lambda/code-options.js";
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

/** What the container's code runs with, here. */
interface LocalTask {
  readonly env: Environment;
  /** To be called when a child exists that the lease shall end with. */
  readonly handOverTo: (pid: number) => Promise<void>;
}

/** Runs `use` with a lease on the task's role and the container's environment; the lease ends with it. */
export async function withTask<T>(
  wanted: NamedTask,
  context: CliContext,
  use: (local: LocalTask) => Promise<T>,
): Promise<T> {
  const { for: duration, as: form = "header" } = wanted;
  const forSeconds = duration === undefined ? undefined : parseDuration(duration, "--for");
  const set = assignments(wanted.set);
  const { role, scope, context: task } = await deployedTask(wanted, forSeconds, context);
  const terms = { role, forSeconds, form, ...(scope && { scope }) };
  return withOwnLease(terms, context, async ({ variables, handOverTo }) => {
    // Not the settings of `[default]`: in ECS a container has no `~/.aws` of ours.
    const { files } = await neutralAwsFiles(context);
    const granted = { ...variables, ...files, ...directToEndpoint(context.env) };
    const changes = taskChanges({ task, granted, set }, context);
    return use({ env: withChanges(context.env, changes), handOverTo });
  });
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
  const narrowed = scope ? { scope } : {};
  const { client, output } = context;
  const asked = { target: { by: "new" }, forSeconds, reason } as const;
  const yes = await confirmRole({ ...asked, role: via }, context);
  const found = await withLogin(context, via ?? undefined, () =>
    client.call("task-role", { task: name, container, via, ...region, ...yes }),
  );
  sayVia(name, found, context);
  if (found.change !== undefined) output.warn(found.change);
  const { containers, container: chosen } = found.context;
  if (container === null && containers.length > 1) output.hint(`container ${chosen}, the only essential one`);
  try {
    await withLogin(context, found.role, () => client.call("warm", { role: found.role, ...narrowed }));
  } catch (error) {
    throw explainDenial(error, name, found);
  }
  if (found.confirmation !== undefined) return { ...found, ...narrowed };
  return { ...found, ...narrowed, ...(await confirmRole({ ...asked, ...narrowed, role: found.role }, context)) };
}

/** Nearly always the role trusts ECS alone. */
function explainDenial(error: unknown, name: string, { via, taskRoleArn }: ControlResponse<"task-role">): unknown {
  if (!(error instanceof BrokerError) || error.code !== "AssumeRoleDenied") return error;
  const message = `the trust policy of ${taskRoleArn} does not let ${via} assume it, or the role was deleted: ${error.message}`;
  return new BrokerError("AssumeRoleDenied", message, {
    hint: `brokerctl task trust ${name} --via ${via}    # what would have to be added`,
    cause: error,
  });
}
