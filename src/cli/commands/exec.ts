import { rm } from "node:fs/promises";
import type { LeaseAccess } from "../../control-api/contract.js";
import { BrokerError } from "../../core/errors.js";
import { applyChanges, changesFor } from "../aws-variables.js";
import { type Arguments, defineCommand, type OptionSpecs, type Outcome } from "../command.js";
import type { CliContext, Environment } from "../context.js";
import { parseDuration } from "../duration.js";
import { EXEC_EXIT } from "../exit-codes.js";
import { fetchCredentials } from "../fetch-credentials.js";
import { FORMS, type Form, leaseVariables } from "../lease-variables.js";
import { withLogin } from "../login.js";
import { neutralAwsFiles } from "../neutral-aws-files.js";
import { runChild } from "../run-child.js";
import { withShellLease } from "../shell-lease.js";
import { staticVariables } from "../static-variables.js";
import { tokenFilePath } from "../token-file.js";

const OPTIONS = {
  lease: { type: "string", value: "NAME", help: "use this lease instead of one of its own" },
  for: { type: "string", value: "DURATION", help: "the lease ends then, even when CMD still runs" },
  as: { type: "string", choices: FORMS, help: "how CMD learns of its credentials; default header" },
} as const satisfies OptionSpecs;

const END_PATIENCE_MS = 2000;

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
    const command = commandOf(args, context.env);
    if (lease !== undefined) return runWithNamedLease({ name: lease, form: as, command }, context);
    if (as === "static") return runWithKeys(await chosenRole(role, context), command, context);
    return runWithOwnLease({ role, forSeconds, form: as, command }, context);
  },
});

interface ChildWords {
  readonly file: string;
  readonly args: readonly string[];
}

function commandOf({ rest }: Arguments<typeof OPTIONS>, env: Environment): ChildWords {
  const shell = env["SHELL"] === "" ? undefined : env["SHELL"];
  const [file = shell ?? "/bin/sh", ...args] = rest;
  if (file === "")
    throw new BrokerError("UsageInvalid", "the command after -- is empty", { hint: "brokerctl exec ROLE -- CMD" });
  return { file, args };
}

interface StartedCommand extends ChildWords {
  readonly onStart?: (pid: number) => Promise<void>;
}

interface OwnLease {
  readonly role: string | undefined;
  readonly forSeconds: number | undefined;
  readonly form: Exclude<Form, "static">;
  readonly command: ChildWords;
}

/** We hold the lease until the child exists; then the child does, so that it ends with it even when we are killed. */
async function runWithOwnLease({ role, forSeconds, form, command }: OwnLease, context: CliContext): Promise<Outcome> {
  const { client, pid } = context;
  const own = role === undefined ? await roleOfShell(context) : { role, follows: false };
  await withLogin(context, own.role, () => client.call("warm", { role: own.role }));
  const access = await client.call("lease-child", {
    role: own.follows ? null : own.role,
    pid,
    ...(forSeconds !== undefined && { forSeconds }),
  });
  try {
    const set = await leaseVariables(access, form, context.paths().stateDir);
    const onStart = (childPid: number): Promise<void> => handOver(access, childPid, context);
    return await run({ ...command, onStart }, set, context);
  } finally {
    await endLease(access, form, context);
  }
}

interface NamedLease {
  readonly name: string;
  readonly form: Form;
  readonly command: ChildWords;
}

async function runWithNamedLease({ name, form, command }: NamedLease, context: CliContext): Promise<Outcome> {
  const { client } = context;
  const access = await client.call("lease-access", { lease: { by: "name", name } });
  const role = access.lease.role;
  if (role === null) throw noRole(`brokerctl use ROLE --lease ${name}`);
  if (form === "static") return runWithKeys(role, command, context);
  await withLogin(context, role, () => client.call("warm", { role }));
  return run(command, await leaseVariables(access, form, context.paths().stateDir), context);
}

async function runWithKeys(role: string, command: ChildWords, context: CliContext): Promise<Outcome> {
  await withLogin(context, role, () => context.client.call("warm", { role }));
  const { credentials, region } = await fetchCredentials(context, role);
  return run(command, staticVariables(credentials, region), context);
}

async function chosenRole(role: string | undefined, context: CliContext): Promise<string> {
  return role ?? (await roleOfShell(context)).role;
}

/** The role that this shell's programs have, and whether it is the default lease's, which `use` moves. */
async function roleOfShell(context: CliContext): Promise<{ readonly role: string; readonly follows: boolean }> {
  const { role, kind, followsDefault } = await withShellLease(context, (lease) =>
    context.client.call("lease-show", { lease }),
  );
  if (role === null) throw noRole("brokerctl exec ROLE -- CMD");
  return { role, follows: kind === "default" || followsDefault };
}

function noRole(hint: string): BrokerError {
  return new BrokerError("NoRole", "no role is chosen, and none is given", { hint });
}

/** The variables of `set` and what `exec` always adds; what competes with them taken out. */
async function run(
  command: StartedCommand,
  set: Readonly<Record<string, string>>,
  context: CliContext,
): Promise<Outcome> {
  const changes = changesFor({ ...set, ...(await neutralAwsFiles(context)), ...besides(context.env) }, context.env);
  return runChild({ ...command, env: applyChanges(context.env, changes) }, context);
}

/** sdk-contract §4: no detour to the instance metadata after an error of ours, and no proxy on the way to loopback. */
function besides(env: Environment): Record<string, string> {
  const [lower, upper] = [env["no_proxy"], env["NO_PROXY"]];
  return {
    AWS_EC2_METADATA_DISABLED: "true",
    NO_PROXY: withLoopback(upper ?? lower),
    no_proxy: withLoopback(lower ?? upper),
  };
}

function withLoopback(noProxy: string | undefined): string {
  const hosts = (noProxy ?? "")
    .split(",")
    .map((host) => host.trim())
    .filter(Boolean);
  if (hosts.includes("*")) return "*";
  return [...new Set([...hosts, "127.0.0.1", "localhost"])].join(",");
}

/** When it fails (a child that has ended already), the lease ends with us instead, and we outlive the child. */
async function handOver({ lease }: LeaseAccess, pid: number, { quietClient }: CliContext): Promise<void> {
  await quietClient.call("lease-hand-over", { id: lease.id, pid }).catch(() => undefined);
}

/** The daemon would notice by itself within seconds: a daemon that is gone does not hold up the exit. */
async function endLease({ lease }: LeaseAccess, form: Form, { quietClient, paths }: CliContext): Promise<void> {
  const revoke = quietClient.call(
    "lease-revoke",
    { lease: { by: "id", id: lease.id } },
    { timeoutMs: END_PATIENCE_MS },
  );
  await revoke.catch(() => undefined);
  if (form === "token-file") await rm(tokenFilePath(lease.id, paths().stateDir), { force: true });
}
