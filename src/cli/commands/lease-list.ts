import type { LeaseView } from "../../control-api/lease-contract.js";
import { describeScope } from "../../core/lease-scope.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import type { Screen } from "../terminal/screen.js";
import { table } from "../terminal/table.js";
import { leaseJson } from "../terminal/views.js";
import { span, when } from "../terminal/when.js";

export const leaseListCommand = defineCommand({
  name: "lease list",
  summary: "List the leases: who may fetch which role until when",
  options: { json: JSON_OPTION },
  examples: ["brokerctl lease list", "brokerctl lease list --json"],
  async run(_, { client, output, clock }) {
    const { leases } = await client.call("lease-list", {});
    if (output.json) output.printJson({ leases: leases.map(leaseJson) });
    else if (leases.length === 0) output.say("there are no leases");
    else output.print(leaseTable(leases, clock.now(), output.screen));
  },
});

/** Also part of `status`. */
export function leaseTable(leases: readonly LeaseView[], now: number, screen: Screen): string {
  const hasSockets = leases.some(({ socket }) => socket !== null);
  return table(
    ["lease", "id", "role", "moved by use", "ends", "last used", ...(hasSockets ? ["socket"] : [])],
    leases.map((lease) => [
      lease.name ?? lease.kind,
      lease.id,
      roleOf(lease, now),
      lease.movable ? "yes" : "pinned",
      endOf(lease, now),
      when(lease.lastUsedAt, now),
      ...(hasSockets ? [lease.socket ?? ""] : []),
    ]),
    screen,
  );
}

function roleOf({ role, followsDefault, kind, grant, scope }: LeaseView, now: number): string {
  const follows = followsDefault && kind !== "default" ? " (follows the default)" : "";
  const given = grant === null ? "" : ` (given ${grant.until > now ? `for ${span(grant.until - now)}` : "no longer"})`;
  const only = scope ? `, ${describeScope(scope)}` : "";
  return `${role ?? "none"}${only}${follows}${given}`;
}

function endOf({ expiresAt, holderPid }: LeaseView, now: number): string {
  const ends = [
    ...(holderPid === null ? [] : [`with process ${holderPid}`]),
    ...(expiresAt === null ? [] : [when(expiresAt, now)]),
  ];
  return ends.length === 0 ? "never" : ends.join(" or ");
}
