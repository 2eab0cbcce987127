import type { MovedLease, RoleSummary } from "../../control-api/lease-contract.js";
import type { CliContext } from "../context.js";
import { holderJson, holderLines } from "./audit-text.js";
import { leaseJson, roleSummaryJson } from "./views.js";
import { until, when } from "./when.js";

export function movedJson(moved: MovedLease): Readonly<Record<string, unknown>> {
  return {
    lease: leaseJson(moved.lease),
    old: roleSummaryJson(moved.old),
    new: roleSummaryJson(moved.new),
    holders: moved.holders.map(holderJson),
  };
}

/** From which role to which, until when, and what programs may hold of the old one. */
export function sayMoved(moved: MovedLease, { output, clock }: CliContext): void {
  const now = clock.now();
  const { lease, old } = moved;
  const { temporary } = lease;
  output.say(
    `${leaseName(lease)}: ${nameOf(old)} → ${nameOf(moved.new)}, credentials until ${until(moved.new.expiration, now)}`,
  );
  if (temporary) output.say(`back to ${temporary.thenRole ?? "no role"} ${when(temporary.until, now)}`);
  for (const line of holderLines(moved.holders, now)) output.say(line);
}

function leaseName({ name, id, kind }: MovedLease["lease"]): string {
  if (kind === "default") return "default lease";
  return name === null ? `this shell's lease ${id}` : `lease ${name}`;
}

function nameOf({ role, accountId }: RoleSummary): string {
  if (role === null) return "no role";
  return accountId === null ? role : `${role} (${accountId})`;
}
