import { realpath } from "node:fs/promises";
import { join } from "node:path";
import type { ControlClient } from "../../control-api/client.js";
import type { NamedRole, ProjectView } from "../../control-api/config-contract.js";
import { BrokerError } from "../../core/errors.js";
import { nearestName } from "../../core/nearest-name.js";
import type { CliContext } from "../context.js";
import { refuseForeignProject } from "./project-owner.js";

/** Of every command that takes a ROLE or a stage. */
export const STAGE_OPTION = {
  type: "string",
  value: "STAGE",
  help: "in place of ROLE: that of this stage of the project that the current directory is in",
} as const;

interface WantedStage {
  readonly stage: string;
  /** The ROLE that was given beside it, which is one too many. */
  readonly role: string | undefined;
  /** For hints: `brokerctl exec`. */
  readonly command: string;
}

/** The role of `--stage`, which is said with its account. From here on it is as a ROLE that was typed. */
export async function roleOfStage({ stage, role, command }: WantedStage, context: CliContext): Promise<string> {
  if (role !== undefined) {
    throw usage(`--stage ${stage} brings its own role: leave ${role} out`, `${command} --stage ${stage}`);
  }
  const project = await projectHere(context);
  const found = project.stages.find((one) => one.stage === stage);
  if (!found) throw noStage(stage, project, command);
  sayRole(`stage ${stage} of project ${project.name}`, found, context);
  return found.role;
}

/** The same for a stage that a template has as well: undefined where the current directory is in no project. */
export async function roleOfStageIfInProject(wanted: WantedStage, context: CliContext): Promise<string | undefined> {
  const { projects } = await context.client.call("projects", {});
  const [placed] = await holding(projects, context);
  return placed && roleOfStage(wanted, context);
}

/** The role of the project of the current directory, which is said with its account; undefined: no project, or none with a role. */
export async function roleOfProject(context: CliContext): Promise<string | undefined> {
  const { projects } = await context.client.call("projects", {});
  const [placed] = await holding(projects, context);
  if (!placed?.project.role) return undefined;
  await refuseForeignProject(placed.path);
  const { name, role } = placed.project;
  sayRole(`no role is chosen: project ${name}`, role, context);
  return role.role;
}

/** For completion. */
export async function stagesHere(
  context: CliContext,
  { client, timeoutMs }: { readonly client: ControlClient; readonly timeoutMs: number },
): Promise<ProjectView["stages"]> {
  const { projects } = await client.call("projects", {}, { timeoutMs });
  return (await holding(projects, context))[0]?.project.stages ?? [];
}

async function projectHere(context: CliContext): Promise<ProjectView> {
  const { projects, problems } = await context.client.call("projects", {});
  const [placed] = await holding(projects, context);
  if (placed) {
    await refuseForeignProject(placed.path);
    return placed.project;
  }
  const known = projects.map(({ name, path }) => `${name} (${path})`).join(", ");
  const message = [
    `${context.cwd()} is in no project of the config: ${known === "" ? "there is none" : known}`,
    ...problems,
  ].join("; ");
  throw usage(message, "brokerctl config edit    # projects: { NAME: { path: ~/…, stages: { STAGE: ROLE } } }");
}

interface Placed {
  readonly project: ProjectView;
  readonly path: string;
}

/** At most one: the longest path that holds the current directory. Links are resolved on both sides; nothing is read in either. */
async function holding(projects: readonly ProjectView[], context: CliContext): Promise<readonly Placed[]> {
  const here = (await physical(context.cwd())) ?? context.cwd();
  const placed = await Promise.all(projects.map((project) => placeOf(project, context.homeDir)));
  const around = placed.filter((one): one is Placed => one !== undefined && holds(one.path, here));
  const longest = Math.max(...around.map(({ path }) => path.length));
  const nearest = around.filter(({ path }) => path.length === longest);
  // By their text the config has no two: one is a link to the other, or `~` to the home directory.
  if (nearest.length > 1) {
    const names = nearest.map(({ project }) => project.name).join(" and ");
    throw usage(`projects ${names} are one directory: ${nearest[0]?.path ?? here}`, "brokerctl config edit");
  }
  return nearest;
}

async function placeOf(project: ProjectView, homeDir: string): Promise<Placed | undefined> {
  const path = await physical(project.path.startsWith("~/") ? join(homeDir, project.path.slice(2)) : project.path);
  return path === undefined ? undefined : { project, path };
}

/** undefined: there is no such directory, or it cannot be reached; then no one stands in it either. */
async function physical(path: string): Promise<string | undefined> {
  return realpath(path).catch(() => undefined);
}

function holds(path: string, here: string): boolean {
  return here === path || here.startsWith(`${path}/`);
}

function noStage(stage: string, { name, stages }: ProjectView, command: string): BrokerError {
  const names = stages.map((one) => one.stage);
  const nearest = nearestName(stage, names);
  const meant = nearest === undefined ? "" : `; did you mean ${nearest}?`;
  const known = names.length === 0 ? "no stages" : names.join(", ");
  return usage(
    `project ${name} has no stage ${stage}, but ${known}${meant}`,
    names.length === 0 ? "brokerctl config edit" : `${command} --stage ${nearest ?? names[0] ?? "STAGE"}`,
  );
}

function sayRole(of: string, { role, accountId }: NamedRole, { output }: CliContext): void {
  output.say(`${of}: role ${role}, account ${accountId ?? "not known yet"}`);
}

function usage(message: string, hint: string): BrokerError {
  return new BrokerError("UsageInvalid", message, { hint });
}
