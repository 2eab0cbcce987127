import { competingFiles } from "../aws-files/competing-files.js";
import { defineCommand, type OptionSpecs } from "../command.js";
import type { CliContext } from "../context.js";
import { HOOK_VARIABLE } from "../hook-variable.js";
import { markFor } from "../leases/lease-mark.js";
import { accessTo, roleOf, type WantedLease, wantedLease } from "../leases/wanted-lease.js";
import { ensureLoggedIn } from "../login/ensure-logged-in.js";
import { withLogin } from "../login/login.js";
import { changesFor } from "../variables/aws-variables.js";
import { FORMS, type LeaseForm, leaseVariables } from "../variables/lease-variables.js";
import { printChanges, printFailure } from "../variables/print-changes.js";
import { SHELL_FORMATS, type ShellFormat } from "../variables/shell-format.js";

const OPTIONS = {
  lease: { type: "string", value: "NAME", help: "a lease made by `brokerctl lease create`" },
  new: { type: "boolean", help: "a lease of its own, which ends with the process --pid" },
  pid: { type: "string", value: "PID", help: "with --new: the shell that holds the lease, usually $$" },
  as: { type: "string", choices: FORMS, help: "url (default): one variable; static: the keys themselves" },
  format: { type: "string", choices: SHELL_FORMATS, help: "for which shell or program; default sh" },
} as const satisfies OptionSpecs;

export const envCommand = defineCommand({
  name: "env",
  summary: "Print what to eval so that programs of this shell ask the broker",
  details: `Without ROLE: the default lease, which follows \`brokerctl use\` and whose URL stays the same. With ROLE: a lease
pinned to that role. On failure stdout holds the unsets and \`false\`, so that no old credentials are used by accident.
\`brokerctl hook\` does it for every shell, each with a lease of its own.`,
  positionals: [{ name: "ROLE", help: "a role of the config; its lease stays with it" }],
  options: OPTIONS,
  examples: [
    'eval "$(brokerctl env)"                        bash, zsh and other sh',
    "brokerctl env --format fish | source           fish",
    'eval "$(brokerctl env --new --pid $$)"         a lease that ends with this shell',
    "brokerctl env dev --format dotenv > .env.local",
    'eval "$(brokerctl env dev --as static)"        temporary keys, for what knows nothing else',
  ],
  async run(args, context) {
    const { as = "url", format = "sh" } = args.options;
    const wanted = wantedLease({ ...args.options, role: args.positionals[0] });
    const set = as === "static" ? await staticSet(wanted, context) : await leaseSet(wanted, as, context);
    const { settings, files } = await competingFiles(context);
    const all = { ...settings, ...set, ...files };
    const mark = isForHook(format, context) ? markFor(hasRegion(settings) ? all : set, ownerOf(wanted)) : {};
    const changes = changesFor({ ...all, ...mark }, context.env);
    printChanges({ changes, format, command: "brokerctl env" }, context);
  },
  onFailure: printFailure,
});

async function leaseSet(wanted: WantedLease, form: LeaseForm, context: CliContext): Promise<Record<string, string>> {
  const access = await accessTo(wanted, context);
  // A shell's own lease is made for the `use` that follows, which says all this of its role.
  if (wanted.kind === "new" && context.env[HOOK_VARIABLE] !== undefined) {
    return leaseVariables(access, form, context.paths().stateDir);
  }
  if (access.lease.role === null) {
    context.output.hint("no role is chosen yet: brokerctl use ROLE");
  } else if (wanted.kind !== "pinned") {
    await ensureLoggedIn(context, access.lease.role);
  }
  return leaseVariables(access, form, context.paths().stateDir);
}

/** Whether the region comes from `[default]`: then the hook follows roles; not where the user has set one of the two. */
function hasRegion(settings: Readonly<Record<string, string>>): boolean {
  return "AWS_REGION" in settings && "AWS_DEFAULT_REGION" in settings;
}

/** What a shell evaluates says to its hook whose lease it holds now; a file for others does not. */
function isForHook(format: ShellFormat, { env }: CliContext): boolean {
  return env[HOOK_VARIABLE] !== undefined && (format === "sh" || format === "fish");
}

function ownerOf(wanted: WantedLease): string {
  if (wanted.kind === "new") return String(wanted.pid);
  return wanted.kind === "default" ? "default" : "env";
}

async function staticSet(wanted: WantedLease, context: CliContext): Promise<Record<string, string>> {
  const [{ fetchCredentials }, { staticVariables }] = await Promise.all([
    import("../variables/fetch-credentials.js"),
    import("../variables/static-variables.js"),
  ]);
  const role = await roleOf(wanted, context);
  await withLogin(context, role, () => context.client.call("warm", { role }));
  const { credentials, region } = await fetchCredentials(context, role);
  return staticVariables(credentials, region);
}
