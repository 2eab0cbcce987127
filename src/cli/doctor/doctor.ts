import { accessSync, constants, existsSync } from "node:fs";
import type { BrokerPaths } from "../../system/paths.js";
import type { CliContext } from "../context.js";
import type { Finding } from "./finding.js";
import { clockSkew, type DaemonLook, findingOf, lookAtDaemon } from "./findings/daemon.js";
import { endpoint } from "./findings/endpoint.js";
import { awsFileModes, ownFiles } from "./findings/files.js";
import { longTermKeys } from "./findings/long-term-keys.js";
import { nodeAge, service } from "./findings/machine.js";
import { network } from "./findings/network.js";
import { sandbox } from "./findings/sandbox.js";
import { type FamilyVerdict, shadowing, verdictsFor } from "./findings/shadowing.js";
import { staleVariables } from "./findings/stale-variables.js";
import { shellOf } from "./shell-of.js";

export interface Diagnosis {
  readonly verdicts: readonly FamilyVerdict[];
  /** The worst first. */
  readonly findings: readonly Finding[];
}

const ORDER = { error: 0, warning: 1, note: 2 } as const;

/** Looks at this shell, the files and the daemon. Starts nothing, changes nothing, calls nothing but brokerd. */
export async function diagnose(context: CliContext, scanned: string | undefined): Promise<Diagnosis> {
  const shell = shellOf(context);
  const { env } = context;
  const verdicts = verdictsFor(shell);
  const { status, mayNotConnect = false, findings: ofDaemon } = await daemonOf(context);
  const findings = [
    ...shadowing(verdicts, shell),
    ...staleVariables(env, shell.now),
    ...longTermKeys(shell),
    ...network(env),
    ...ofDaemon,
    ...(await attempted("endpoint", () => endpoint(context, status))),
    ...clockSkew(status),
    ...(await attempted("own-files", async () => ownFiles(context.paths()))),
    ...awsFileModes(shell),
    ...(await attempted("service", () => service(context))),
    ...nodeAge(process.versions.node, shell.now),
    ...sandbox(env, { isReached: status !== undefined, mayNotConnect, isStateClosed: isStateClosed(context) }),
    ...(scanned === undefined ? [] : (await import("./findings/scan.js")).scan(scanned)),
  ];
  return { verdicts, findings: withoutRepeats(findings).toSorted((a, b) => ORDER[a.severity] - ORDER[b.severity]) };
}

function isStateClosed(context: CliContext): boolean {
  const paths = pathsOf(context);
  if (!("stateDir" in paths) || !existsSync(paths.stateDir)) return false;
  try {
    accessSync(paths.stateDir, constants.W_OK);
    return false;
  } catch {
    return true;
  }
}

/** Without a home there is no place where brokerd could be. */
async function daemonOf(context: CliContext): Promise<DaemonLook> {
  const paths = pathsOf(context);
  return "stateDir" in paths ? lookAtDaemon(context) : { status: undefined, findings: [paths] };
}

function pathsOf(context: CliContext): BrokerPaths | Finding {
  try {
    return context.paths();
  } catch (error) {
    return findingOf("no-place", error);
  }
}

/** What cannot be looked at is a finding, and keeps nothing else from being looked at. */
async function attempted(id: string, look: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await look();
  } catch (error) {
    return [findingOf(id, error)];
  }
}

function withoutRepeats(findings: readonly Finding[]): readonly Finding[] {
  return findings.filter((each, index) => findings.findIndex(({ message }) => message === each.message) === index);
}
