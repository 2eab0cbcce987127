import { BrokerError } from "../../core/errors.js";
import { environmentOfChild } from "../access/child-environment.js";
import { withShellLease } from "../access/find-lease.js";
import { FORMS, type Form, leaseVariables } from "../access/lease-variables.js";
import { accessToNamed, type LeaseForChild, withOwnLease } from "../access/own-lease.js";
import { roleOfProject, roleOfStage, STAGE_OPTION } from "../access/project.js";
import { type ChildWords, childWords, runChild } from "../access/run-child.js";
import { keysOfSeconds, parseSecondRoles, type SecondRole, WITH_OPTION } from "../access/second-roles.js";
import { parseDuration } from "../arguments/argument-values.js";
import { neutralAwsFiles } from "../aws-files/neutral-aws-files.js";
import { defineCommand, type OptionSpecs, type Outcome } from "../command.js";
import type { CliContext } from "../context.js";
import { EXEC_EXIT } from "../exit-codes.js";
import { confirmRole, REASON_OPTION } from "../guard/confirm-role.js";
import { withLogin } from "../login/login.js";

const OPTIONS = {
  stage: STAGE_OPTION,
  lease: { type: "string", value: "NAME", help: "use this lease instead of one of its own" },
  for: { type: "string", value: "DURATION", help: "the lease ends then, even when CMD still runs" },
  movable: { type: "boolean", help: "let `use` move the lease, which keeps ROLE otherwise" },
  with: WITH_OPTION,
  reason: REASON_OPTION,
  as: { type: "string", choices: FORMS, help: "how CMD receives its credentials; default header" },
} as const satisfies OptionSpecs;

export const execCommand = defineCommand({
  name: "exec",
  summary: "Run a command with a lease of its own that ends with it",
  details: `CMD (default: $SHELL) gets our stdin, terminal and signals; its exit code is ours. What would win over the broker
is taken out of its environment, and AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE point at copies without keys.
With ROLE the lease is pinned to it: \`use\` inside moves nothing. Without ROLE: the role of this shell's lease, moved by \`use\`
where that one is, and with its end where it is pinned; else the default lease's; where none is chosen, that of the project
that the current directory is in. --stage is as ROLE: the role that the config gives this stage of that project.`,
  positionals: [{ name: "ROLE", help: "a role of the config" }],
  rest: "CMD…",
  options: OPTIONS,
  examples: [
    "brokerctl exec dev -- aws s3 ls",
    "brokerctl exec prod-role --for 30m -- terraform plan",
    "brokerctl exec --stage prod -- serverless deploy",
    "brokerctl exec dev --with shared=SHARED_ACCOUNT_ -- serverless deploy",
    "brokerctl exec dev                 a shell",
  ],
  exitCodes: [
    "of CMD, when it ran; death by signal is repeated",
    "125 brokerctl itself failed · 126 CMD cannot be run · 127 CMD not found",
    "(2 for wrong flags, 4 for a missing login and 5 for a guard's or pin's refusal stay as they are)",
  ],
  failureCode: EXEC_EXIT.ownFailure,
  async run(args, context) {
    const { lease, stage, for: duration, as = "header" } = args.options;
    const [named] = args.positionals;
    if (lease !== undefined && (named ?? stage ?? duration) !== undefined) throw leaseBringsAll(lease);
    const forSeconds = duration === undefined ? undefined : parseDuration(duration, "--for");
    const command = childWords(args.rest, context.env, "brokerctl exec ROLE -- CMD");
    const { reason, movable } = args.options;
    const child = { form: as, command, reason, seconds: secondsOf(args.options.with) };
    if (lease !== undefined) return runWithNamedLease({ name: lease, ...child }, context);
    const role =
      stage === undefined ? named : await roleOfStage({ stage, role: named, command: "brokerctl exec" }, context);
    const own = role === undefined ? await roleOfShell(context, movable) : { role, follows: false };
    return runWithOwnLease({ ...own, ...child, forSeconds, movable }, context);
  },
});

/** Most have none. */
function secondsOf(given: readonly string[]): readonly SecondRole[] {
  return given.length === 0 ? [] : parseSecondRoles(given);
}

function leaseBringsAll(lease: string): BrokerError {
  return new BrokerError(
    "UsageInvalid",
    `--lease ${lease} brings its own role and end: leave ROLE, --stage and --for out`,
    { hint: `brokerctl exec --lease ${lease} -- CMD` },
  );
}

function movableWithoutRole(): BrokerError {
  return new BrokerError("UsageInvalid", "--movable is for a lease with ROLE: without, it is like this shell's", {
    hint: "brokerctl exec ROLE --movable -- CMD",
  });
}

interface ShellRole {
  readonly role: string;
  /** It is the default lease's, which `use` moves. */
  readonly follows: boolean;
  /** The token of this shell's own lease, which the new one is made like. */
  readonly like?: string;
}

/** The role that this shell's programs have; where none is chosen, that of the project here. */
async function roleOfShell(context: CliContext, movable: boolean): Promise<ShellRole> {
  if (movable) throw movableWithoutRole();
  return withShellLease(context, async (lease) => {
    const { role, kind, followsDefault } = await context.client.call("lease-show", { lease });
    if (role === null) {
      const ofProject = await roleOfProject(context);
      if (ofProject === undefined) throw noRole("brokerctl exec ROLE -- CMD");
      return { role: ofProject, follows: false };
    }
    return { role, follows: kind === "default" || followsDefault, ...(lease.by === "token" && { like: lease.token }) };
  });
}

interface WithLease {
  readonly reason: string | undefined;
  readonly form: Form;
  readonly command: ChildWords;
  readonly seconds: readonly SecondRole[];
}

interface WithOwnLease extends WithLease, ShellRole {
  readonly forSeconds: number | undefined;
  readonly movable?: boolean;
}

async function runWithOwnLease(
  { role, follows, like, command, reason, seconds, ...wanted }: WithOwnLease,
  context: CliContext,
): Promise<Outcome> {
  const { forSeconds, form } = wanted;
  // What is made like this shell's lease has what that one was given.
  const isLike = (follows || like !== undefined) && form !== "static";
  const yes = isLike ? {} : await confirmRole({ role, target: { by: "new" }, forSeconds, reason }, context);
  await withLogin(context, role, () => context.client.call("warm", { role }));
  // Of null: the lease follows the default one, or is as this shell's. Keys follow nothing.
  const own = isLike ? { ...wanted, role: null, like } : { ...wanted, role, ...yes };
  return withOwnLease(own, context, (lease) => runInPlace({ command, seconds, reason }, lease, context));
}

async function runWithNamedLease(
  { name, form, ...child }: WithLease & { readonly name: string },
  context: CliContext,
): Promise<Outcome> {
  const { client } = context;
  const access = await accessToNamed(name, child.reason, context);
  const role = access.lease.role;
  if (role === null) throw noRole(`brokerctl use ROLE --lease ${name}`);
  if (form === "static") {
    return runWithOwnLease({ role, follows: false, forSeconds: undefined, form, ...child }, context);
  }
  await withLogin(context, role, () => client.call("warm", { role }));
  return runInPlace(child, { variables: await leaseVariables(access, form, context.paths().stateDir) }, context);
}

function noRole(hint: string): BrokerError {
  return new BrokerError("NoRole", "no role is chosen, and none is given", { hint });
}

/** Without `handOverTo` the lease does not end with the command. */
type Lease = Pick<LeaseForChild, "variables"> & Partial<LeaseForChild>;

/** The command in our place: with its lease, and with nothing that competes with it. */
async function runInPlace(
  { command, seconds, reason }: Omit<WithLease, "form">,
  { variables, handOverTo }: Lease,
  context: CliContext,
): Promise<Outcome> {
  const more = seconds.length === 0 ? {} : await keysOfSeconds({ seconds, reason }, context);
  const env = environmentOfChild(context.env, { ...more, ...variables }, await neutralAwsFiles(context));
  return runChild({ ...command, env, handOverTo }, context);
}
