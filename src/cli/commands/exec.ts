import { BrokerError } from "../../core/errors.js";
import { environmentOfChild } from "../access/child-environment.js";
import { withShellLease } from "../access/find-lease.js";
import { FORMS, type Form, leaseVariables } from "../access/lease-variables.js";
import { type LeaseForChild, withOwnLease } from "../access/own-lease.js";
import { type ChildWords, childWords, runChild } from "../access/run-child.js";
import { parseDuration } from "../arguments/argument-values.js";
import { neutralAwsFiles } from "../aws-files/neutral-aws-files.js";
import { defineCommand, type OptionSpecs, type Outcome } from "../command.js";
import type { CliContext } from "../context.js";
import { EXEC_EXIT } from "../exit-codes.js";
import { withLogin } from "../login/login.js";

const OPTIONS = {
  lease: { type: "string", value: "NAME", help: "use this lease instead of one of its own" },
  for: { type: "string", value: "DURATION", help: "the lease ends then, even when CMD still runs" },
  as: { type: "string", choices: FORMS, help: "how CMD receives its credentials; default header" },
} as const satisfies OptionSpecs;

export const execCommand = defineCommand({
  name: "exec",
  summary: "Run a command with a lease of its own that ends with it",
  details: `CMD (default: $SHELL) gets our stdin, terminal and signals; its exit code is ours. What would win over the broker
is taken out of its environment, and AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE point at copies without keys.
Without ROLE: the role of this shell's lease, else the default one.`,
  positionals: [{ name: "ROLE", help: "a role of the config" }],
  rest: "CMD…",
  options: OPTIONS,
  examples: [
    "brokerctl exec dev -- aws s3 ls",
    "brokerctl exec prod-role --for 30m -- terraform plan",
    "brokerctl exec dev                 a shell",
  ],
  exitCodes: [
    "of CMD, when it ran; death by signal is repeated",
    "125 brokerctl itself failed · 126 CMD cannot be run · 127 CMD not found",
    "(2 for wrong flags and 4 for a missing login stay as they are)",
  ],
  failureCode: EXEC_EXIT.ownFailure,
  async run(args, context) {
    const { lease, for: duration, as = "header" } = args.options;
    const role = args.positionals[0];
    if (lease !== undefined && (role !== undefined || duration !== undefined)) {
      throw new BrokerError("UsageInvalid", `--lease ${lease} brings its own role and end: leave ROLE and --for out`, {
        hint: `brokerctl exec --lease ${lease} -- CMD`,
      });
    }
    const forSeconds = duration === undefined ? undefined : parseDuration(duration, "--for");
    const command = childWords(args.rest, context.env, "brokerctl exec ROLE -- CMD");
    if (lease !== undefined) return runWithNamedLease({ name: lease, form: as, command }, context);
    const own = role === undefined ? await roleOfShell(context) : { role, follows: false };
    return runWithOwnLease({ ...own, forSeconds, form: as, command }, context);
  },
});

interface ShellRole {
  readonly role: string;
  /** It is the default lease's, which `use` moves. */
  readonly follows: boolean;
}

/** The role that this shell's programs have. */
async function roleOfShell(context: CliContext): Promise<ShellRole> {
  const { role, kind, followsDefault } = await withShellLease(context, (lease) =>
    context.client.call("lease-show", { lease }),
  );
  if (role === null) throw noRole("brokerctl exec ROLE -- CMD");
  return { role, follows: kind === "default" || followsDefault };
}

interface WithLease {
  readonly form: Form;
  readonly command: ChildWords;
}

interface WithOwnLease extends WithLease, ShellRole {
  readonly forSeconds: number | undefined;
}

async function runWithOwnLease(
  { role, follows, command, ...wanted }: WithOwnLease,
  context: CliContext,
): Promise<Outcome> {
  await withLogin(context, role, () => context.client.call("warm", { role }));
  // Of null: the lease follows the default one. Keys follow nothing.
  const own = { ...wanted, role: follows && wanted.form !== "static" ? null : role };
  return withOwnLease(own, context, (lease) => runInPlace(command, lease, context));
}

async function runWithNamedLease(
  { name, form, command }: WithLease & { readonly name: string },
  context: CliContext,
): Promise<Outcome> {
  const { client } = context;
  const access = await client.call("lease-access", { lease: { by: "name", name } });
  const role = access.lease.role;
  if (role === null) throw noRole(`brokerctl use ROLE --lease ${name}`);
  if (form === "static") {
    return runWithOwnLease({ role, follows: false, forSeconds: undefined, form, command }, context);
  }
  await withLogin(context, role, () => client.call("warm", { role }));
  return runInPlace(command, { variables: await leaseVariables(access, form, context.paths().stateDir) }, context);
}

function noRole(hint: string): BrokerError {
  return new BrokerError("NoRole", "no role is chosen, and none is given", { hint });
}

/** Without `handOverTo` the lease does not end with the command. */
type Lease = Pick<LeaseForChild, "variables"> & Partial<LeaseForChild>;

/** The command in our place: with its lease, and with nothing that competes with it. */
async function runInPlace(
  command: ChildWords,
  { variables, handOverTo }: Lease,
  context: CliContext,
): Promise<Outcome> {
  const env = environmentOfChild(context.env, variables, await neutralAwsFiles(context));
  return runChild({ ...command, env, handOverTo }, context);
}
