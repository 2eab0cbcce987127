import type { LeaseView } from "../../control-api/lease-contract.js";
import { findLease } from "../access/find-lease.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import { fields } from "../terminal/table.js";
import { leaseJson } from "../terminal/views.js";
import { when } from "../terminal/when.js";

export const leaseShowCommand = defineCommand({
  name: "lease show",
  summary: "Show one lease; its token is shown by `env --lease NAME` only",
  positionals: [{ name: "LEASE", required: true, help: "name or id, see `brokerctl lease list`" }],
  options: { json: JSON_OPTION },
  examples: ["brokerctl lease show ide", "brokerctl lease show default --json"],
  async run({ positionals }, context) {
    const { client, output, clock } = context;
    const lease = await client.call("lease-show", { lease: await findLease(context, positionals[0] ?? "") });
    if (output.json) output.printJson(leaseJson(lease));
    else output.print(fields(describe(lease, clock.now()), output.screen));
  },
});

function describe(lease: LeaseView, now: number): readonly string[] {
  const { name, id, kind, role, followsDefault, holderPid, temporary, movable, grant } = lease;
  return [
    `lease      ${name ?? "-"}`,
    `id         ${id}`,
    `kind       ${kind}`,
    `role       ${role ?? "none"}${followsDefault ? " (follows the default)" : ""}`,
    `use        ${movable ? "moves it" : "does not move it: pinned"}`,
    ...(grant
      ? [`given      until ${when(grant.until, now)}${grant.request === null ? "" : ` by request ${grant.request}`}`]
      : []),
    ...(temporary ? [`then       ${temporary.thenRole ?? "none"} ${when(temporary.until, now)}`] : []),
    ...(holderPid === null ? [] : [`holder     process ${holderPid}`]),
    `created    ${when(lease.createdAt, now)}`,
    `ends       ${when(lease.expiresAt, now)}`,
    `last used  ${when(lease.lastUsedAt, now)}`,
  ];
}
