import { statSync } from "node:fs";
import type { ControlResponse } from "../../control-api/contract.js";
import type { FunctionRequest } from "../../control-api/lambda-contract.js";
import type { LambdaMode } from "../../core/deployed-function.js";
import { BrokerError } from "../../core/errors.js";
import type { FunctionContext } from "../../core/function-context.js";
import { shellQuote } from "../../core/shell-quote.js";
import type { Form } from "../access/lease-variables.js";
import { scopeOfFlags } from "../access/scope-options.js";
import type { ScopeFlags } from "../access/wanted-scope.js";
import { absolutePath, parseDuration } from "../arguments/argument-values.js";
import type { CliContext } from "../context.js";
import { confirmRole, type NarrowedTerms } from "../guard/confirm-role.js";
import { withLogin } from "../login/login.js";
import { assignments } from "./code-options.js";
import { explainDenial, fetchDeployedRole, type LocalRun, withDeployedRole } from "./deployed-role.js";
import { functionChanges } from "./function-changes.js";
import { sayVia } from "./lambda-options.js";
import { type Layers, layersOf, tellLayers } from "./layers.js";
import { type AskedFunction, askedFunction, type NamedFunction } from "./named-function.js";

/** A function whose role is wanted, and how. */
export interface WantedFunction extends NamedFunction {
  readonly mode: LambdaMode | undefined;
  readonly reason: string | undefined;
  readonly forSeconds?: number | undefined;
}

type NarrowedFunction = WantedFunction & ScopeFlags;

/** With what narrows the lease that is to be made. */
export type DeployedFunction = ControlResponse<"lambda-role"> & NarrowedTerms & { readonly request: FunctionRequest };

export interface FunctionRun extends NarrowedFunction {
  readonly for: string | undefined;
  readonly as: Form | undefined;
  readonly "task-root": string | undefined;
  /** The directory that is to be `/opt`. */
  readonly layers: string | undefined;
  /** In place of the deployed one. */
  readonly handler: string | undefined;
  /** NAME=VALUE, over the deployed variables. */
  readonly set: readonly string[];
}

/** What the function's code runs with, here. */
export interface LocalFunction extends DeployedFunction, LocalRun {
  readonly taskRoot: string;
  readonly layers: Layers | undefined;
  /** As the command line has it. */
  readonly asked: { readonly name: string; readonly mode: LambdaMode };
}

/** Runs `use` with a lease on the function's role and the function's environment; the lease ends with it. */
export async function withFunction<T>(
  wanted: FunctionRun,
  context: CliContext,
  use: (local: LocalFunction) => Promise<T>,
): Promise<T> {
  const { for: duration, as: form = "header" } = wanted;
  const root = taskRoot(wanted["task-root"], context);
  const forSeconds = duration === undefined ? undefined : parseDuration(duration, "--for");
  const set = assignments(wanted.set);
  const layers = await layersOf(wanted.layers, context);
  const deployed = await deployedFunction(wanted, context);
  const { role, scope, confirmation } = deployed;
  const found = { ...deployed, context: withHandler(deployed.context, wanted.handler) };
  tellLayers(wanted.name, found.context, { layers, output: context.output });
  const terms = { ...(scope && { scope }), ...(confirmation !== undefined && { confirmation }) };
  const described = { function: found.context, taskRoot: root, hasLayers: layers !== undefined, set };
  const asked = { name: wanted.name, mode: wanted.mode ?? "assume" };
  return withDeployedRole(
    { role, forSeconds, form, ...terms },
    (granted) => functionChanges({ ...described, granted }, context),
    { context, use: (run) => use({ ...found, ...run, taskRoot: root, layers, asked }) },
  );
}

/** The function with another handler than the deployed one, where one is named. */
export function withHandler(described: FunctionContext, handler: string | undefined): FunctionContext {
  return handler === undefined ? described : { ...described, handler };
}

interface Described {
  /** As brokerd was asked for it. */
  readonly request: AskedFunction;
  readonly found: ControlResponse<"lambda-role">;
}

/** Reads the function, with the credentials of via. */
export async function describedFunction(named: WantedFunction, context: CliContext): Promise<Described> {
  const request = await askedFunction({ ...named, command: `${named.command} ${named.name}` }, context);
  return { request, found: await readDeployed(request, named, context) };
}

type Wish = Pick<WantedFunction, "name" | "mode" | "forSeconds" | "reason">;

/** The same of one that brokerd is asked for so. */
export async function readDeployed(
  request: Described["request"],
  { name, mode = "assume", forSeconds, reason }: Wish,
  context: CliContext,
): Promise<Described["found"]> {
  const { via } = request;
  const yes = await confirmRole({ role: via, target: { by: "new" }, forSeconds, reason }, context);
  const found = await withLogin(context, via ?? undefined, () =>
    context.client.call("lambda-role", { ...request, mode, ...yes }),
  );
  sayVia(name, found, context);
  for (const line of warningsOf(found, mode)) context.output.warn(line);
  return found;
}

/** Reads the function and fetches the credentials of its role: what is missing shows here and not inside its code. */
export async function deployedFunction(named: NarrowedFunction, context: CliContext): Promise<DeployedFunction> {
  const { name, mode = "assume", forSeconds, reason } = named;
  const scope = await scopeOfFlags(named, context);
  const { request, found } = await describedFunction(named, context);
  const { via, functionRoleArn: roleArn } = found;
  const known = isBare(request, name) ? name : found.context.functionArn;
  // Which of the two ways is right, only the user knows.
  const trustCommand = `brokerctl lambda trust ${known} --via ${via}    # what would have to be added; or without it: --mode session-policy --via ROLE`;
  const explain = (error: unknown): unknown =>
    mode === "assume" ? explainDenial(error, { via, roleArn, trustCommand }) : error;
  const terms = await fetchDeployedRole(found, { ...(scope && { scope }), forSeconds, reason, explain }, context);
  return { ...found, ...terms, request };
}

/** What no mode can do is in docs/lambda.md; what a session policy narrows is said each time. */
function warningsOf({ change, notes }: ControlResponse<"lambda-role">, mode: LambdaMode): readonly string[] {
  return [...(change === undefined ? [] : [change]), ...(mode === "session-policy" ? notes : [])];
}

/** It says all that a command needs to find the function again, but for via. */
function isBare(request: FunctionRequest, typed: string): boolean {
  return request.function === typed && request.region === undefined && request.stack === undefined;
}

/** The absolute directory of the function's code: `--task-root`, else the current one. */
export function taskRoot(given: string | undefined, context: CliContext): string {
  const path = absolutePath(given ?? ".", context);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  throw new BrokerError("UsageInvalid", `--task-root is no directory: ${path}`, { hint: `ls -ld ${shellQuote(path)}` });
}
