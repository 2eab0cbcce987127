import type { MovedLease } from "../../control-api/lease-contract.js";
import { BrokerError } from "../../core/errors.js";
import type { LeaseSelector } from "../../core/lease.js";
import { warnIfShellElsewhere, withShellLease } from "../access/find-lease.js";
import { roleOfStage, STAGE_OPTION } from "../access/project.js";
import { parseDuration } from "../arguments/argument-values.js";
import { defineCommand, JSON_OPTION } from "../command.js";
import type { CliContext } from "../context.js";
import { confirmRole, REASON_OPTION } from "../guard/confirm-role.js";
import { withLogin } from "../login/login.js";
import { movedJson, sayMoved } from "../terminal/moved.js";

export const useCommand = defineCommand({
  name: "use",
  summary: "Move this shell's lease, else the default one, to a role",
  details: `The role's credentials are fetched first: what is missing shows here and not inside a program. Programs get the new
role at their next fetch; \`-\` goes back to the role before. Without ROLE, a list to choose from, with what logins can have.
A pinned lease, as of \`exec ROLE\` and \`lease create NAME ROLE\`, is not moved: \`brokerctl lease set\`, or \`request\`. A
guarded role goes to the default lease with --default and --for only.
SOURCE:ACCOUNT/ROLE is a role that the config does not name, ACCOUNT being an id or a name that is the only such one. In a
shell with \`brokerctl hook\` the first one makes a lease of its own for it.`,
  positionals: [{ name: "ROLE|-", help: "a role of the config, or - for the one before" }],
  options: {
    stage: STAGE_OPTION,
    for: { type: "string", value: "DURATION", help: "go back to the old role then, e.g. 30m" },
    default: { type: "boolean", help: "the default lease, also where this shell has its own" },
    lease: { type: "string", value: "NAME", help: "the lease of this name" },
    reason: REASON_OPTION,
    json: JSON_OPTION,
  },
  examples: [
    "brokerctl use dev",
    "brokerctl use prod-role --for 30m",
    "brokerctl use 'corp:Data Platform/ReadOnly'",
    "brokerctl use --stage prod --for 30m",
    "brokerctl use -",
    "brokerctl use dev --lease ide",
  ],
  async run({ options, positionals }, context) {
    const named = namedLease(options);
    const forSeconds = options.for === undefined ? undefined : parseDuration(options.for, "--for");
    const { stage } = options;
    const [typed] = positionals;
    const given =
      stage === undefined ? typed : await roleOfStage({ stage, role: typed, command: "brokerctl use" }, context);
    const role = given ?? (await picked(context, named));
    const move = async (lease: LeaseSelector): Promise<MovedLease> => {
      const target = lease.by === "default" && !options.default ? ({ by: "shell" } as const) : lease;
      const wanted = { role, target, forSeconds, reason: options.reason };
      // The way back has no name here: where it is guarded, brokerd refuses it and names the role.
      const yes = role === "-" ? {} : await confirmRole(wanted, context);
      return withLogin(context, role, () =>
        context.client.call("use", { lease, role, ...(forSeconds !== undefined && { forSeconds }), ...yes }),
      );
    };
    const moved = named ? await move(named) : await withShellLease(context, move);
    if (context.output.json) context.output.printJson(movedJson(moved));
    else sayMoved(moved, context);
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
