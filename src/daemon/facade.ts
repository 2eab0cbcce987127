import type { DaemonFacade, RunningConfig } from "../control/control-services.js";
import type { Protection } from "../control-api/contract.js";
import { whyMemoryIsOpen } from "../system/own-memory.js";
import type { InstanceLock } from "../system/single-instance.js";
import type { EndpointPort } from "./endpoint-port.js";
import type { LeaseSockets } from "./lease-sockets.js";
import type { DaemonOptions, Services } from "./services.js";
import type { Serving } from "./serving.js";
import type { ShellFiles } from "./shell-files.js";

export interface FacadeParts {
  readonly options: DaemonOptions;
  readonly services: Services;
  readonly serving: Serving;
  readonly config: RunningConfig;
  readonly lock: InstanceLock;
  readonly port: EndpointPort;
  readonly shellFiles: ShellFiles;
  readonly sockets: LeaseSockets;
  /** Leases that `use` moved before this version. */
  readonly pinnedNow: () => readonly string[];
}

/** The daemon as the control plane sees it. */
export function createFacade(parts: FacadeParts): DaemonFacade {
  const { options, services, serving } = parts;
  const { lifecycle, aws } = services;
  return {
    pid: options.pid,
    version: options.version,
    startedAt: options.clock.now(),
    overrides: aws.overrides,
    peerCheck: protection(options.peers.notChecked),
    memory: protection(whyMemoryIsOpen()),
    endpoint: () => serving.endpoint(),
    warnings: () => warnings(parts),
    unlock: (passphrase) => lifecycle.unlock(passphrase),
    createStore: (passphrase) => lifecycle.create(passphrase),
    lock: () => lifecycle.lock(),
    stopSoon: () => options.onStopRequested(),
  };
}

function protection(whyNot: string | undefined): Protection {
  return { on: whyNot === undefined, why: whyNot ?? null };
}

/** What the user should know of, a sentence each, for `status`. */
async function warnings(parts: FacadeParts): Promise<readonly string[]> {
  const { services, serving, config } = parts;
  const state = services.store.current();
  const isOpen = state.state === "open";
  const logins = isOpen ? await endingLogins(services) : [];
  const current = config.current();
  const notes = [...(current ? serving.configNotes(current) : []), serving.sixNote()];
  const ofAudit = await services.audit.warnings();
  const told = notes.filter((note) => note !== undefined);
  return [
    ...(isOpen ? state.warnings : []),
    ...notDurable(parts),
    ...parts.sockets.warnings,
    ...noRequests(services),
    ...ofAudit,
    ...logins,
    ...told,
    ...pinsNote(parts.pinnedNow()),
  ];
}

/** Else a person would look for requests that no lease can make. */
function noRequests({ requests }: Services): readonly string[] {
  const problem = requests.loadProblem;
  if (problem === undefined) return [];
  const fix = problem.hint === undefined ? "" : `: ${problem.hint}`;
  return [`nothing can be requested or approved: ${problem.message}${fix}`];
}

/** Until the next start: it is in the file by then. */
function pinsNote(leases: readonly string[]): readonly string[] {
  if (leases.length === 0) return [];
  return [
    `use does not move these leases any more, as they have a role of their own: ${leases.join(", ")}: brokerctl lease set NAME ROLE`,
  ];
}

/** What cannot be read now (the store was locked meanwhile) is told by the state of each source. */
async function endingLogins({ sso }: Services): Promise<readonly string[]> {
  const ending = await sso.endingLogins().catch(() => []);
  return ending.map(({ sources, renewableUntil }) => {
    const day = new Date(renewableUntil).toISOString().slice(0, 10);
    return `the login of ${sources.join(", ")} can be renewed until ${day} only: brokerctl login ${sources[0] ?? ""}`;
  });
}

/**
 * Everything that is written in the state directory and served whether or not the disk takes it: what it did not take, a
 * restart would lose. The sealed cache reports its own problem among the secret store's warnings. Each sentence is gone
 * once the write works; the sweep tries again.
 */
function notDurable({ options, services, lock, port, shellFiles }: FacadeParts): readonly string[] {
  const { leases, lifecycle, sso, consoleLogins, schedules } = services;
  const problems = [
    [`${options.paths.stateDir} had no space at the start, so nothing new can be saved`, lock.fullDisk],
    ["leases are not durable", leases.saveProblem ?? lifecycle.leaseProblem],
    ["the endpoint's port is not durable", port.problem],
    ["what prompts and new shells read is out of date", shellFiles.problem],
    ["when schedules ran is not durable", schedules.problem],
  ] as const;
  return [
    ...problems.flatMap(([what, why]) => (why === undefined ? [] : [`${what}: ${why}`])),
    ...consoleLogins.sessions.unsaved.map(
      (source) => `the renewed login of ${source} is not durable: free some space, or brokerctl login ${source}`,
    ),
    ...sso.tokens.unsaved.map((url) => `the renewed login at ${url} is not durable: free some space, or log in again`),
  ];
}
