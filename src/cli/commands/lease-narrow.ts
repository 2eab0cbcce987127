import type { LeaseView, NarrowedLease } from "../../control-api/lease-contract.js";
import { describeScope, type LeaseScope } from "../../core/lease-scope.js";
import { findLease } from "../access/find-lease.js";
import { SCOPE_OPTIONS, scopeOfFlags } from "../access/scope-options.js";
import { parseDuration } from "../arguments/argument-values.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import type { CliContext } from "../context.js";
import { holderJson, holderLines } from "../terminal/audit-text.js";
import { leaseJson, scopeJson } from "../terminal/views.js";
import { isoInstant, when } from "../terminal/when.js";

export const leaseNarrowCommand = defineCommand({
  name: "lease narrow",
  summary: "Give a lease less than it has, while its programs run",
  details: `Its URL stays the same: programs get what is left at their next fetch, and what they hold stays valid until AWS ends it.
What its programs made (\`exec\`, \`lease create\`) is narrowed with it. Flags narrow further and never widen: a service can be left out
and none added, an end only be earlier, and a policy is given once. What is to have more is another lease.
Refused in a shell whose own variables hold a pinned or narrowed lease.`,
  positionals: [{ name: "LEASE", required: true, help: "name or id, see `brokerctl lease list`" }],
  options: {
    ...SCOPE_OPTIONS,
    for: { type: "string", value: "DURATION", help: "the lease ends then, where it does not end before" },
    json: JSON_OPTION,
  },
  examples: [
    "brokerctl lease narrow agent --read-only",
    "brokerctl lease narrow agent --service s3 --session-for 1m --for 30m",
  ],
  async run({ options, positionals }, context) {
    const { client, output } = context;
    const forSeconds = options.for === undefined ? undefined : parseDuration(options.for, "--for");
    const scope = await scopeOfFlags(options, context);
    const lease = await findLease(context, positionals[0] ?? "");
    const wanted = { ...(scope && { scope }), ...(forSeconds !== undefined && { forSeconds }) };
    const narrowed = await client.call("lease-narrow", { lease, ...wanted });
    if (output.json) output.printJson(narrowedJson(narrowed));
    else sayNarrowed(narrowed, context);
  },
});

function narrowedJson({ lease, old, made, holders }: NarrowedLease): Readonly<Record<string, unknown>> {
  return {
    lease: leaseJson(lease),
    old: { scope: scopeJson(old.scope), expires_at: isoInstant(old.expiresAt) },
    made: made.map(leaseJson),
    holders: holders.map(holderJson),
  };
}

function sayNarrowed({ lease, old, made, holders }: NarrowedLease, { output, clock }: CliContext): void {
  const now = clock.now();
  const title = lease.name ?? lease.id;
  output.say(`lease ${title}: ${onlyText(old.scope)} → ${onlyText(lease.scope)}, from its programs' next fetch`);
  if (lease.expiresAt !== old.expiresAt) output.say(`it ends ${when(lease.expiresAt, now)}`);
  for (const each of made) output.say(`lease ${each.name ?? each.id}, which its programs made, too: ${hasText(each)}`);
  for (const line of holderLines(holders, now)) output.say(line);
}

function hasText({ role, scope }: LeaseView): string {
  return `${role ?? "no role"}, ${onlyText(scope)}`;
}

function onlyText(scope: LeaseScope | null | undefined): string {
  return scope ? describeScope(scope) : "all of its role";
}
