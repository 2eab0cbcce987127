import type { LeaseView } from "../../control-api/lease-contract.js";
import { describeScope, scopeLines } from "../../core/lease-scope.js";
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
  const { name, id, kind, role, followsDefault, holderPid, temporary, movable, grant, scope, narrowedBy = [] } = lease;
  return [
    `lease      ${name ?? "-"}`,
    `id         ${id}`,
    `kind       ${kind}`,
    `role       ${role ?? "none"}${followsDefault ? " (follows the default)" : ""}`,
    ...(scope ? headed("only", scopeLines(scope)) : []),
    ...headed("by", narrowedBy),
    `use        ${movable ? "moves it" : "does not move it: pinned"}`,
    ...known("given", grant && givenText(grant, now)),
    ...(temporary ? [`then       ${thenText(temporary)} ${when(temporary.until, now)}`] : []),
    ...known("holder", holderPid === null ? null : `process ${holderPid}`),
    ...known("socket", lease.socket),
    `created    ${when(lease.createdAt, now)}`,
    `ends       ${when(lease.expiresAt, now)}`,
    `last used  ${when(lease.lastUsedAt, now)}`,
  ];
}

function known(what: string, value: string | null): readonly string[] {
  return value === null ? [] : [`${what.padEnd(10)} ${value}`];
}

function headed(what: string, lines: readonly string[]): readonly string[] {
  return lines.map((line, index) => (index === 0 ? what : "").padEnd(11) + line);
}

function givenText({ until, request }: NonNullable<LeaseView["grant"]>, now: number): string {
  return `until ${when(until, now)}${request === null ? "" : ` by request ${request}`}`;
}

function thenText({ thenRole, thenScope }: NonNullable<LeaseView["temporary"]>): string {
  return `${thenRole ?? "none"}${thenScope ? `, ${describeScope(thenScope)},` : ""}`;
}
