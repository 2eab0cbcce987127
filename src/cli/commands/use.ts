import type { ControlResponse, RoleSummary } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import type { LeaseSelector } from "../../core/lease.js";
import { warnIfShellElsewhere, withShellLease } from "../access/find-lease.js";
import { parseDuration } from "../arguments/argument-values.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import type { CliContext } from "../context.js";
import { withLogin } from "../login/login.js";
import { holderJson, holderLines } from "../terminal/audit-text.js";
import { leaseJson, roleSummaryJson } from "../terminal/views.js";
import { until, when } from "../terminal/when.js";

export const useCommand = defineCommand({
  name: "use",
  summary: "Move this shell's lease, else the default one, to a role",
  details: `The role's credentials are fetched first: what is missing shows here and not inside a program. Programs get the new
role at their next fetch; \`-\` goes back to the role before. Without ROLE, a list to choose from, with what logins can have.
SOURCE:ACCOUNT/ROLE is a role that the config does not name, ACCOUNT being an id or a name that is the only such one. In a
shell with \`brokerctl hook\` the first one makes a lease of its own for it.`,
  positionals: [{ name: "ROLE|-", help: "a role of the config, or - for the one before" }],
  options: {
    for: { type: "string", value: "DURATION", help: "go back to the old role then, e.g. 30m" },
    default: { type: "boolean", help: "the default lease, also where this shell has its own" },
    lease: { type: "string", value: "NAME", help: "the lease of this name" },
    json: JSON_OPTION,
  },
  examples: [
    "brokerctl use dev",
    "brokerctl use prod-role --for 30m",
    "brokerctl use 'corp:Data Platform/ReadOnly'",
    "brokerctl use -",
    "brokerctl use dev --lease ide",
  ],
  async run({ options, positionals }, context) {
    const named = namedLease(options);
    const forSeconds = options.for === undefined ? undefined : parseDuration(options.for, "--for");
    const role = positionals[0] ?? (await picked(context, named));
    const move = (lease: LeaseSelector): Promise<ControlResponse<"use">> =>
      withLogin(context, role, () =>
        context.client.call("use", { lease, role, ...(forSeconds !== undefined && { forSeconds }) }),
      );
    tell(named ? await move(named) : await withShellLease(context, move), context);
    if (named?.by !== "name") await warnIfShellElsewhere(context);
  },
});

/** Loaded where the user is to choose only. */
async function picked(context: CliContext, named: LeaseSelector | undefined): Promise<string> {
  const { pickRole } = await import("../terminal/pick-role.js");
  return pickRole(context, "brokerctl use", named);
}

/** Undefined: this shell's own. */
function namedLease(options: {
  readonly default: boolean;
  readonly lease: string | undefined;
}): LeaseSelector | undefined {
  const { default: isDefault, lease } = options;
  if (isDefault && lease !== undefined) {
    throw new BrokerError("UsageInvalid", `--default and --lease ${lease} exclude each other`, {
      hint: `brokerctl use ROLE --lease ${lease}`,
    });
  }
  if (lease !== undefined) return { by: "name", name: lease };
  return isDefault ? { by: "default" } : undefined;
}

function tell(moved: ControlResponse<"use">, { output, clock }: CliContext): void {
  if (output.json) {
    output.printJson({
      lease: leaseJson(moved.lease),
      old: roleSummaryJson(moved.old),
      new: roleSummaryJson(moved.new),
      holders: moved.holders.map(holderJson),
    });
    return;
  }
  const now = clock.now();
  const { lease, old } = moved;
  const { temporary } = lease;
  output.say(
    `${leaseName(lease)}: ${nameOf(old)} → ${nameOf(moved.new)}, credentials until ${until(moved.new.expiration, now)}`,
  );
  if (temporary) output.say(`back to ${temporary.thenRole ?? "no role"} ${when(temporary.until, now)}`);
  for (const line of holderLines(moved.holders, now)) output.say(line);
}

function leaseName({ name, id, kind }: ControlResponse<"use">["lease"]): string {
  if (kind === "default") return "default lease";
  return name === null ? `this shell's lease ${id}` : `lease ${name}`;
}

function nameOf({ role, accountId }: RoleSummary): string {
  if (role === null) return "no role";
  return accountId === null ? role : `${role} (${accountId})`;
}
