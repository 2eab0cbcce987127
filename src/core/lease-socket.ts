/** What both ends of a lease's own socket name alike. */

/** In the environment of CMD of `exec --socket`: the path of its lease's socket. */
export const SOCKET_VARIABLE = "CREDBROKER_SOCKET";
/** Of an answer: the region of the lease's role, where the config names one. */
export const REGION_HEADER = "credbroker-region";

/** Of an answer: the network namespace that brokerd is in, where the system has them. */
export const NETWORK_HEADER = "credbroker-network";

/** Where the sockets are whose path brokerd chooses: a directory for each, so that one can be shared without the others. */
export function leaseSocketsDirectory(runtimeDir: string): string {
  return `${runtimeDir}/leases`;
}
