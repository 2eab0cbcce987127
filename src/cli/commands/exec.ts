import type { WantedScope } from "../../control-api/lease-contract.js";
import { SOCKET_VARIABLE } from "../../core/lease-socket.js";
import { environmentOfChild } from "../access/child-environment.js";
import {
  movableWithoutRole,
  noRole,
  refuseBesideLease,
  refuseProfilesOf,
  refuseSocketOf,
  refuseUnnarrowed,
} from "../access/exec-refusals.js";
import { withShellLease } from "../access/find-lease.js";
import { launchLease, type OpenLease, type WantedLease, withOpenLease } from "../access/launched-lease.js";
import { EXEC_FORMS, type Form, leaseVariables } from "../access/lease-variables.js";
import { accessToNamed, type LeaseForChild, withOwnLease } from "../access/own-lease.js";
import { PROFILE_OPTION, parseProfiles } from "../access/profile-names.js";
import { roleOfProject, roleOfStage, STAGE_OPTION } from "../access/project.js";
import { type ChildWords, childWords, runChild } from "../access/run-child.js";
import { SCOPE_DETAILS, SCOPE_OPTIONS, scopeOfFlags } from "../access/scope-options.js";
import { keysOfSeconds, parseSecondRoles, type SecondRole, WITH_OPTION } from "../access/second-roles.js";
import { parseDuration } from "../arguments/argument-values.js";
import { neutralAwsFiles } from "../aws-files/neutral-aws-files.js";
import { defineCommand, type OptionSpecs, type Outcome } from "../command.js";
import type { CliContext } from "../context.js";
import { EXEC_EXIT, EXEC_EXIT_TEXT } from "../exit-codes.js";
import { confirmRole, REASON_OPTION } from "../guard/confirm-role.js";
import { withLogin } from "../login/login.js";
import { CONFINE_OPTIONS, sandboxOf } from "../sandbox/confine-options.js";
import type { Sandbox } from "../sandbox/sandbox.js";

const OPTIONS = {
  stage: STAGE_OPTION,
  lease: { type: "string", value: "NAME", help: "use this lease instead of one of its own" },
  for: { type: "string", value: "DURATION", help: "the lease ends then, even when CMD still runs" },
  socket: { type: "boolean", help: "serve the lease on a unix socket too, for sandboxes and containers" },
  movable: { type: "boolean", help: "let `use` move the lease, which keeps ROLE otherwise" },
  with: WITH_OPTION,
  profile: PROFILE_OPTION,
  ...SCOPE_OPTIONS,
  reason: REASON_OPTION,
  quiet: { type: "boolean", help: "say nothing on the terminal when CMD is refused credentials" },
  as: { type: "string", choices: EXEC_FORMS, help: "how CMD receives its credentials; default header" },
  ...CONFINE_OPTIONS,
} as const satisfies OptionSpecs;

export const execCommand = defineCommand({
  name: "exec",
  summary: "Run a command with a lease of its own that ends with it",
  details: `CMD (default: $SHELL) gets our stdin, terminal and signals; its exit code is ours. What would win over the broker
is taken out of its environment, and AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE point at copies without keys.
With ROLE the lease is pinned to it: \`use\` inside moves nothing. Without ROLE: the role of this shell's lease, moved by \`use\`
where that one is, and with its end where it is pinned; else the default lease's; where none is chosen, that of the project
that the current directory is in. --stage is as ROLE: the role that the config gives this stage of that project.
--as profile is for tools that read nothing but profiles: AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE name files (0600) with temporary
keys as [default], under ROLE's name and under those by which ~/.aws asks brokerctl for it. They are renewed while CMD runs and removed
with it; a program that reads them once has keys until the time that is told.
--confine, for a coding agent or code of others: CMD finds the system's programs, the working directory, what --writable and --readable name,
and its lease; no ~/.aws, no keys or sockets of yours, no control of brokerd (docs/sandbox.md). It needs bubblewrap on Linux.
With --socket CREDBROKER_SOCKET names a unix socket that serves the lease and nothing else while CMD runs. Its directory
holds nothing else: share it with a sandbox, and run \`brokerctl forward -- AGENT\` in there.
Many SDKs do not show why they were refused: at most once a minute stderr, where it is a terminal, gets brokerd's line on it.
${SCOPE_DETAILS}`,
  positionals: [{ name: "ROLE", help: "a role of the config" }],
  rest: "CMD…",
  options: OPTIONS,
  examples: [
    "brokerctl exec dev -- aws s3 ls",
    "brokerctl exec prod-role --for 30m -- terraform plan",
    "brokerctl exec prod-role --read-only -- claude",
    "brokerctl exec dev --service s3 --service dynamodb:read --session-for 1m -- ./agent",
    "brokerctl exec --stage prod -- serverless deploy",
    "brokerctl exec dev --with shared=SHARED_ACCOUNT_ -- serverless deploy",
    "brokerctl exec dev --as profile -- serverless deploy --aws-profile dev",
    "brokerctl exec dev --confine --writable ~/.npm -- npm test",
    "brokerctl exec dev --socket -- unshare -rn sh -c 'ip link set lo up; brokerctl forward -- aws s3 ls'",
    "brokerctl exec dev                 a shell",
  ],
  exitCodes: [
    ...EXEC_EXIT_TEXT,
    "(2 for wrong flags, 4 for a missing login and 5 for a guard's or pin's refusal stay as they are)",
  ],
  failureCode: EXEC_EXIT.ownFailure,
  async run(args, context) {
    const { lease, stage, for: duration, profile } = args.options;
    const [named] = args.positionals;
    refuseBesideLease(lease, named ?? stage ?? duration);
    const forSeconds = duration === undefined ? undefined : parseDuration(duration, "--for");
    const command = childWords(args.rest, context.env, "brokerctl exec ROLE -- CMD");
    const sandbox = await sandboxOf(args.options, command.file, context);
    const { reason, movable, quiet, socket, as = sandbox ? "token-file" : "header" } = args.options;
    refuseProfilesOf(as, profile);
    refuseSocketOf(socket, as, lease);
    const scope = await scopeOfFlags(args.options, context);
    refuseUnnarrowed(scope, args.options);
    const seconds = secondsOf(args.options.with);
    const child = { form: as, command, reason, seconds, profiles: profile, sandbox };
    if (lease !== undefined) return runWithNamedLease({ name: lease, ...child }, context);
    const role = await roleNamed(named, stage, context);
    // A sandbox has its lease's socket in any case: by it a program inside asks for more.
    const withSocket = socket || sandbox !== undefined;
    return runWithLease({ ...child, role, forSeconds, movable, quiet, socket: withSocket, scope }, context);
  },
});

async function roleNamed(
  role: string | undefined,
  stage: string | undefined,
  context: CliContext,
): Promise<string | undefined> {
  return stage === undefined ? role : roleOfStage({ stage, role, command: "brokerctl exec" }, context);
}

/** Most have none. */
function secondsOf(given: readonly string[]): readonly SecondRole[] {
  return given.length === 0 ? [] : parseSecondRoles(given);
}

interface ShellRole {
  readonly role: string;
  /** It is the default lease's, which `use` moves. */
  readonly follows: boolean;
  /** The token of this shell's own lease, which the new one is made like. */
  readonly like?: string;
}

interface WithRole extends WithLease, WantedLease {
  readonly reason: string | undefined;
  readonly quiet: boolean;
  readonly socket: boolean;
}

/** With a lease that ends with the command: of the role that is named, else as this shell's. */
async function runWithLease(
  { role, forSeconds, movable, quiet, socket, scope, ...child }: WithRole,
  context: CliContext,
): Promise<Outcome> {
  if (role === undefined && movable) throw movableWithoutRole();
  const { form, reason } = child;
  if (form !== "static" && form !== "profile" && !socket) {
    const open = await openLease({ role, forSeconds, movable, reason, scope }, context);
    const use = { form, stateDir: context.paths().stateDir, onNotice: quiet ? undefined : noticeFor(context) };
    if (open) return withOpenLease(open, use, (lease) => runInPlace(child, lease, context));
  }
  const own = role === undefined ? await roleOfShell(context) : { role, follows: false };
  return runWithOwnLease({ ...own, ...child, forSeconds, movable, socket, scope }, context);
}

/** A log or a pipe gets CMD's own lines only. */
function noticeFor({ stderr, output }: CliContext): ((text: string) => void) | undefined {
  return stderr.isTTY === true ? (text) => output.say(`brokerctl: ${text}`) : undefined;
}

/** In one round trip; where this shell's lease has no role, with that of the project here. undefined: brokerd does not do that now. */
async function openLease(wanted: WantedLease, context: CliContext): Promise<OpenLease | undefined> {
  const asked = await launchLease(wanted, context);
  if (asked !== "no-role") return asked;
  const role = await projectRole(context);
  const again = await launchLease({ ...wanted, role }, context);
  return again === "no-role" ? undefined : again;
}

async function projectRole(context: CliContext): Promise<string> {
  const role = await roleOfProject(context);
  if (role === undefined) throw noRole("brokerctl exec ROLE -- CMD");
  return role;
}

/** The role that this shell's programs have; where none is chosen, that of the project here. */
async function roleOfShell(context: CliContext): Promise<ShellRole> {
  return withShellLease(context, async (lease) => {
    const { role, kind, followsDefault } = await context.client.call("lease-show", { lease });
    if (role === null) return { role: await projectRole(context), follows: false };
    return { role, follows: kind === "default" || followsDefault, ...(lease.by === "token" && { like: lease.token }) };
  });
}

interface WithLease {
  readonly reason: string | undefined;
  readonly form: Form | "profile";
  readonly command: ChildWords;
  readonly seconds: readonly SecondRole[];
  /** `--profile`, as typed. */
  readonly profiles: readonly string[];
  /** Of `--confine`. */
  readonly sandbox: Sandbox | undefined;
}

interface WithOwnLease extends WithLease, ShellRole {
  readonly forSeconds: number | undefined;
  readonly movable?: boolean;
  readonly socket?: boolean;
  readonly scope?: WantedScope | undefined;
}

async function runWithOwnLease(
  { role, follows, like, command, reason, seconds, profiles, form, sandbox, scope, ...wanted }: WithOwnLease,
  context: CliContext,
): Promise<Outcome> {
  const { forSeconds } = wanted;
  const child = { command, seconds, reason, sandbox };
  if (form === "profile") return runWithProfiles({ role, profiles, forSeconds, scope, ...child }, context);
  // What is made like this shell's lease has what that one was given.
  const isLike = (follows || like !== undefined) && form !== "static";
  const yes = isLike ? {} : await confirmRole({ role, target: { by: "new" }, forSeconds, reason, scope }, context);
  const narrowed = scope ? { scope } : {};
  await withLogin(context, role, () => context.client.call("warm", { role, ...narrowed }));
  // Of null: the lease follows the default one, or is as this shell's. Keys follow nothing.
  const own = { ...wanted, ...narrowed, form, ...(isLike ? { role: null, like } : { role, ...yes }) };
  return withOwnLease(own, context, (lease) => runInPlace(child, lease, context));
}

interface WithProfiles extends Child {
  readonly scope: WantedScope | undefined;
  readonly role: string;
  readonly profiles: readonly string[];
  readonly forSeconds: number | undefined;
}

/** Keys follow no lease of this shell's: as with `static`, its role is the command's from start to end. */
async function runWithProfiles(
  { role, profiles, forSeconds, scope, ...child }: WithProfiles,
  context: CliContext,
): Promise<Outcome> {
  const { withProfiles } = await import("../access/with-profiles.js");
  const wanted = { role, others: parseProfiles(profiles), forSeconds, reason: child.reason, scope };
  return withProfiles(wanted, context, (lease) => runInPlace(child, lease, context));
}

async function runWithNamedLease(
  { name, form, ...child }: WithLease & { readonly name: string },
  context: CliContext,
): Promise<Outcome> {
  const { client } = context;
  const access = await accessToNamed(name, child.reason, context);
  const role = access.lease.role;
  if (role === null) throw noRole(`brokerctl use ROLE --lease ${name}`);
  const { scope } = access.lease;
  if (form === "static" || form === "profile") {
    return runWithOwnLease({ role, follows: false, forSeconds: undefined, form, scope, ...child }, context);
  }
  await withLogin(context, role, () => client.call("warm", { role, ...(scope && { scope }) }));
  const variables = await leaseVariables(access, form, context.paths().stateDir);
  const socket = child.sandbox && access.lease.socket;
  if (socket === null) tellWithoutSocket(name, context);
  return runInPlace(child, { variables: { ...variables, ...(socket && { [SOCKET_VARIABLE]: socket }) } }, context);
}

function tellWithoutSocket(name: string, { output }: CliContext): void {
  const hint = `brokerctl lease create ${name} ROLE --socket PATH`;
  output.warn(`lease ${name} has no socket: programs in the sandbox cannot request anything for it`, hint);
}

/** Without `handOverTo` the lease does not end with the command. */
type Lease = Pick<LeaseForChild, "variables"> & Partial<LeaseForChild>;

type Child = Pick<WithLease, "command" | "seconds" | "reason" | "sandbox">;

/** The command in our place: with its lease, and with nothing that competes with it. */
async function runInPlace(
  { command, seconds, reason, sandbox }: Child,
  { variables, files, handOverTo }: Lease,
  context: CliContext,
): Promise<Outcome> {
  const more = seconds.length === 0 ? {} : await keysOfSeconds({ seconds, reason }, context);
  const neutral = await neutralAwsFiles(context);
  const copies = { ...neutral, ...(files && { files }) };
  const lease = { ...more, ...variables };
  if (sandbox) return sandbox.run({ ...command, lease, copies, handOverTo });
  return runChild({ ...command, env: environmentOfChild(context.env, lease, copies), handOverTo }, context);
}
