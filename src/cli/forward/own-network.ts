import { existsSync } from "node:fs";
import { BrokerError } from "../../core/errors.js";
import { namespaceAt, networkNamespace } from "../../system/network-namespace.js";

/** What shows a network namespace of one's own, and how to have it. */
export const IN_A_NETWORK_OF_ITS_OWN =
  "brokerctl exec ROLE --socket -- unshare -rn brokerctl forward --imds -- CMD    # a container: --cap-add NET_ADMIN, as its root";

/** PROC_PID_INIT_INO of Linux: pid 1 is the machine's init there, and not that of a container. */
const FIRST_PID_NAMESPACE = "4026531836";

/**
 * Every program of a network namespace can read its instance metadata, and finds ours instead of the machine's. Throws `NotSupported`
 * unless this namespace is known to be another one than brokerd's and than the first one of this machine.
 */
export function refuseSharedNetwork(ofBrokerd: string | null, proc = "/proc"): void {
  const own = networkNamespace(proc);
  if (own === null) throw notSupported("--imds needs Linux: no network namespace can be told here");
  if (ofBrokerd === null) {
    throw notSupported(
      "brokerd does not tell its network namespace (macOS has none)",
      "brokerctl restart    # where brokerd runs",
    );
  }
  if (own === ofBrokerd) throw notSupported("--imds needs a network namespace of its own, and this one is brokerd's");
  const isFirst = isFirstNetwork(own, proc);
  if (isFirst === undefined)
    throw notSupported("cannot tell whether this network namespace is the machine's: /proc/sys/net is hidden");
  if (isFirst) throw notSupported("--imds needs a network namespace of its own, and this one is the machine's");
}

/**
 * Over SSH brokerd is on another machine. Some settings are of the first namespace alone, and seen nowhere else (register_net_sysctl of
 * `init_net` in net/core/sysctl_net_core.c); who may not look at pid 1 sees them too.
 */
function isFirstNetwork(own: string, proc: string): boolean | undefined {
  const settings = `${proc}/sys/net/core`;
  if (existsSync(`${settings}/netdev_max_backlog`)) return true;
  if (!existsSync(`${settings}/somaxconn`)) return undefined;
  return namespaceAt(`${proc}/self/ns/pid`) === FIRST_PID_NAMESPACE && namespaceAt(`${proc}/1/ns/net`) === own;
}

function notSupported(message: string, hint = IN_A_NETWORK_OF_ITS_OWN): BrokerError {
  return new BrokerError("NotSupported", message, { hint });
}
