import { BrokerError } from "../../core/errors.js";
import type { LeaseSelector } from "../../core/lease.js";
import { nearestName } from "../../core/nearest-name.js";
import type { CliContext } from "../context.js";

/** The lease that the user names: by name, by id, or by the beginning of its id as long as it is the only such. */
export async function findLease({ client }: CliContext, typed: string): Promise<LeaseSelector> {
  const { leases } = await client.call("lease-list", {});
  if (leases.some(({ name }) => name === typed)) return { by: "name", name: typed };
  const [found, ...others] = leases.filter(({ id }) => id === typed || (typed.length >= 4 && id.startsWith(typed)));
  if (found && others.length === 0) return { by: "id", id: found.id };
  if (found) {
    throw new BrokerError("UsageInvalid", `${leases.length} leases have ids that begin with '${typed}'`, {
      hint: "brokerctl lease list",
    });
  }
  const near = nearestName(
    typed,
    leases.map(({ name }) => name).filter((name) => name !== null),
  );
  throw new BrokerError("LeaseUnknown", `there is no lease '${typed}'`, {
    hint: near === undefined ? "brokerctl lease list" : `did you mean ${near}?`,
  });
}
