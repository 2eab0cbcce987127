import type { InstanceLock } from "../system/single-instance.js";
import type { EndpointPort } from "./endpoint-port.js";
import type { Services } from "./services.js";
import type { Serving } from "./serving.js";
import type { ShellFiles } from "./shell-files.js";

/** Everything that is written in the state directory and served whether or not the disk takes it. */
export interface DurableParts {
  readonly stateDir: string;
  readonly services: Pick<Services, "leases" | "lifecycle" | "sso">;
  readonly lock: InstanceLock;
  readonly port: EndpointPort;
  readonly shellFiles: ShellFiles;
}

/**
 * What the disk did not take, a sentence each, for `status`: a restart would lose it. The sealed cache tells of itself,
 * among the secret store's warnings. Each goes with the write that works; `retryWrites`, and the sweep itself, try again.
 */
export function notDurable({ stateDir, services, lock, port, shellFiles }: DurableParts): readonly string[] {
  const { leases, lifecycle, sso } = services;
  const problems = [
    [`${stateDir} had no space at the start, so nothing new can be saved`, lock.fullDisk],
    ["leases are not durable", leases.saveProblem ?? lifecycle.leaseProblem],
    ["the endpoint's port is not durable", port.problem],
    ["what prompts and new shells read is out of date", shellFiles.problem],
  ] as const;
  return [
    ...problems.flatMap(([what, why]) => (why === undefined ? [] : [`${what}: ${why}`])),
    ...sso.tokens.unsaved.map((url) => `the renewed login at ${url} is not durable: free some space, or log in again`),
  ];
}

interface RetriedParts extends Omit<DurableParts, "shellFiles" | "stateDir"> {
  readonly serving: Serving;
}

/** Of the sweep, after the leases' own: writes what was not taken before. Never rejects for a full disk. */
export async function retryWrites({ services, serving, lock, port }: RetriedParts): Promise<void> {
  lock.retry();
  await port.retry();
  await services.lifecycle.reconcileAgain();
  await serving.clearTaken();
}
