import type { LeaseAccess } from "../../control-api/contract.js";
import type { CliContext } from "../context.js";
import { leaseJson } from "../terminal/views.js";

/** A lease with what a program needs to use it: the URL alone on stdout, so that it can be piped on. */
export function printAccess(
  { lease, token, leaseUrl, credentialsUrl, region }: LeaseAccess,
  { output }: CliContext,
): void {
  if (output.json) {
    output.printJson({
      lease: leaseJson(lease),
      token,
      lease_url: leaseUrl,
      credentials_url: credentialsUrl,
      region,
    });
    return;
  }
  output.print(leaseUrl);
  if (lease.name !== null) output.hint(`eval "$(brokerctl env --lease ${lease.name})"`);
}
