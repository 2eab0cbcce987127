import { BrokerError } from "../../core/errors.js";
import { oneLine } from "../../system/service/run-tool.js";
import type { RunTool } from "../../system/service/supervisor.js";
import { IN_A_NETWORK_OF_ITS_OWN } from "./own-network.js";

/** Where SDKs ask for AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, and for instance metadata. */
export const LINK_LOCAL = { container: "169.254.170.2", instance: "169.254.169.254" } as const;

/**
 * Gives the loopback of this network namespace both addresses; what is returned takes away those that were not there. `NotSupported`
 * where that is not allowed.
 */
export async function addLinkLocal(run: RunTool): Promise<() => Promise<void>> {
  const added: string[] = [];
  const remove = async (): Promise<void> => {
    for (const address of added.splice(0)) await run("ip", ["addr", "del", `${address}/32`, "dev", "lo"]);
  };
  try {
    await ip(run, ["link", "set", "lo", "up"]);
    for (const address of Object.values(LINK_LOCAL)) {
      // Of the scope of the host: never the source of what leaves it.
      const isNew = await ip(run, ["addr", "add", `${address}/32`, "dev", "lo", "scope", "host"]);
      if (isNew) added.push(address);
    }
  } catch (error) {
    await remove();
    throw error;
  }
  return remove;
}

/** False: it is there already, of a `forward` that was killed. */
async function ip(run: RunTool, args: readonly string[]): Promise<boolean> {
  const { code, stderr } = await run("ip", args);
  if (code === 0) return true;
  if (/File exists|already assigned/i.test(stderr)) return false;
  if (/not permitted|denied/i.test(stderr)) throw notAllowed(`ip ${args.join(" ")}`);
  throw new BrokerError("NotSupported", `ip ${args.join(" ")} failed: ${oneLine(stderr)}`, {
    hint: code === null ? "apt-get install iproute2    # where there is no ip" : IN_A_NETWORK_OF_ITS_OWN,
  });
}

export function notAllowed(what: string): BrokerError {
  return new BrokerError(
    "NotSupported",
    `--imds needs to be root of its network namespace (CAP_NET_ADMIN, for ${what})`,
    {
      hint: IN_A_NETWORK_OF_ITS_OWN,
    },
  );
}
