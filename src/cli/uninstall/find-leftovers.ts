import { access } from "node:fs/promises";
import { isDialFailure } from "../../control-api/client.js";
import type { SupervisorOwnership } from "../../system/service/supervisor.js";
import type { AgentEdit } from "../agents/agent-file.js";
import type { CliContext } from "../context.js";
import { findAgentLeftovers } from "./agent-leftovers.js";
import { type AwsLeftovers, findAwsLeftovers } from "./aws-leftovers.js";
import { askForDataKey, type DataKeyReport, expectsDataKey } from "./data-key.js";
import { findOwnPlaces, type OwnPlaces } from "./own-directories.js";
import { findStartFiles, type StartFile } from "./start-files.js";

/** The daemon, as far as it can be asked. */
export interface RunningDaemon {
  readonly pid: number;
  /** Sources whose long-term keys are in the secret store; undefined: locked, so it cannot be told. */
  readonly keys: readonly string[] | undefined;
  /** Sources with a login that still lives. */
  readonly logins: readonly string[];
}

/** Everything that we, or commands of ours in the user's files, left in this home. */
export interface Leftovers {
  readonly daemon: RunningDaemon | undefined;
  readonly service: { readonly ownership: SupervisorOwnership; readonly files: readonly string[] };
  readonly startFiles: readonly StartFile[];
  readonly aws: AwsLeftovers;
  /** Entries of `agent install`. */
  readonly agents: readonly AgentEdit[];
  readonly own: OwnPlaces;
  /** undefined: none, and nothing says that there should be one. */
  readonly dataKey: DataKeyReport | undefined;
}

/** Looks only, and starts nothing that stays. */
export async function findLeftovers(context: CliContext): Promise<Leftovers> {
  const { configFile } = context.paths();
  const isExpected = await expectsDataKey(configFile);
  const dataKey = await askForDataKey({ dryRun: true }, context);
  return {
    daemon: await findDaemon(context),
    service: await findService(context),
    startFiles: await findStartFiles(context),
    aws: await findAwsLeftovers(context),
    agents: await findAgentLeftovers(context),
    own: await findOwnPlaces(context.paths(), context.homeDir),
    dataKey: isWorthTelling(dataKey, isExpected) ? dataKey : undefined,
  };
}

export function isEmpty({ daemon, service, startFiles, aws, agents, own, dataKey }: Leftovers): boolean {
  const lists = [service.files, startFiles, agents, aws.lines, aws.backups, own.found, own.doubtful];
  return [daemon, dataKey, aws.block].every((one) => one === undefined) && lists.every((list) => list.length === 0);
}

/** A keychain that cannot be asked is nothing to tell where none was ever used. */
function isWorthTelling({ outcome }: DataKeyReport, isExpected: boolean): boolean {
  return outcome === "exists" || (isExpected && outcome !== "absent");
}

/** Types of source whose login is in the secret store. */
const LOGINS: readonly string[] = ["sso", "console_login"];

async function findDaemon({ quietClient }: CliContext): Promise<RunningDaemon | undefined> {
  try {
    const { daemon, sources } = await quietClient.call("status", {});
    const keys = await quietClient.call("keys-list", {}).catch(() => undefined);
    const logins = sources.filter(({ type, state }) => LOGINS.includes(type) && state === "ready");
    return {
      pid: daemon.pid,
      keys: keys?.keys.map(({ source }) => source),
      logins: logins.map(({ name }) => name),
    };
  } catch (error) {
    if (isDialFailure(error)) return undefined;
    throw error;
  }
}

async function findService({ supervisor }: CliContext): Promise<Leftovers["service"]> {
  const found = await supervisor();
  if (!found) return { ownership: "absent", files: [] };
  const ownership = await found.ownership();
  if (ownership === "absent") return { ownership, files: [] };
  const there = await Promise.all(found.files.map(async (file) => ((await exists(file)) ? [file] : [])));
  return { ownership, files: there.flat() };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
