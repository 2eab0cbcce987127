import type { LeaseAccess, WantedScope } from "../../control-api/lease-contract.js";
import { BrokerError } from "../../core/errors.js";
import { describeScope } from "../../core/lease-scope.js";
import { markFor } from "../access/child-environment.js";
import { FORMS, type LeaseForm, leaseVariables } from "../access/lease-variables.js";
import { accessToNamed } from "../access/own-lease.js";
import { printChanges, printFailure, SHELL_FORMATS, type ShellFormat } from "../access/print-changes.js";
import { roleOfStage, STAGE_OPTION } from "../access/project.js";
import { SCOPE_DETAILS, SCOPE_OPTIONS, scopeOfFlags } from "../access/scope-options.js";
import { changesFor, HOOK_VARIABLE } from "../access/variables.js";
import { parseDuration, parsePid } from "../arguments/argument-values.js";
import { competingFiles } from "../aws-files/competing-files.js";
import { defineCommand, type OptionSpecs } from "../command.js";
import type { CliContext } from "../context.js";
import { confirmRole, type NarrowedTerms, REASON_OPTION } from "../guard/confirm-role.js";
import { ensureLoggedIn, withLogin } from "../login/login.js";

const OPTIONS = {
  stage: STAGE_OPTION,
  lease: { type: "string", value: "NAME", help: "a lease made by `brokerctl lease create`" },
  new: { type: "boolean", help: "a lease of its own, which ends with the process --pid" },
  pid: { type: "string", value: "PID", help: "with --new: the shell that holds the lease, usually $$" },
  movable: { type: "boolean", help: "with --new and ROLE: let `use` move the lease" },
  for: {
    type: "string",
    value: "DURATION",
    help: "for ROLE: of --new, the lease ends then; of a guarded role, the yes",
  },
  ...SCOPE_OPTIONS,
  reason: REASON_OPTION,
  as: { type: "string", choices: FORMS, help: "url (default): one variable; static: the keys themselves" },
  format: { type: "string", choices: SHELL_FORMATS, help: "for which shell or program; default sh" },
} as const satisfies OptionSpecs;

export const envCommand = defineCommand({
  name: "env",
  summary: "Print what to eval so that programs of this shell ask the broker",
  details: `Without ROLE: the default lease, which follows \`brokerctl use\` and whose URL stays the same. With ROLE: a lease
pinned to that role; with the flags that narrow it another one. On failure stdout holds the unsets and \`false\`, so that no old credentials are used by accident.
\`brokerctl hook\` does it for every shell, each with a lease of its own.
${SCOPE_DETAILS}`,
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
    const { for: duration } = args.options;
    const forSeconds = duration === undefined ? undefined : parseDuration(duration, "--for");
    const [named] = args.positionals;
    const { stage } = args.options;
    const role =
      stage === undefined ? named : await roleOfStage({ stage, role: named, command: "brokerctl env" }, context);
    const scope = await scopeOfFlags(args.options, context);
    const wanted = wantedLease({ ...args.options, forSeconds, role, scope });
    const set = as === "static" ? await staticSet(wanted, context) : await leaseSet(wanted, as, context);
    const { defaultSettings, files } = await competingFiles(context);
    const all = { ...defaultSettings, ...set, ...files };
    const mark = isForHook(format, context) ? markFor(hasRegion(defaultSettings) ? all : set, ownerOf(wanted)) : {};
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
  const { role, scope } = await roleOf(wanted, context);
  const terms = await ready(role, { ...wanted, scope }, context);
  const { staticVariables } = await import("../access/fetch-credentials.js");
  return staticVariables(context, role, terms);
}

/** Which lease `env` is asked for. */
type WantedLease = Terms &
  (
    | { readonly kind: "default" }
    | { readonly kind: "named"; readonly name: string }
    | { readonly kind: "pinned"; readonly role: string }
    | { readonly kind: "new"; readonly role: string | null; readonly pid: number }
  );

interface Terms {
  readonly forSeconds: number | undefined;
  readonly reason: string | undefined;
  readonly movable: boolean;
  readonly scope: WantedScope | undefined;
}

interface LeaseFlags extends Terms {
  readonly role: string | undefined;
  readonly lease: string | undefined;
  readonly new: boolean;
  readonly pid: string | undefined;
}

function wantedLease(flags: LeaseFlags): WantedLease {
  refuseContradictions(flags);
  const { role, lease, pid, forSeconds, reason, movable, scope } = flags;
  const terms = { forSeconds, reason, movable, scope };
  if (flags.new) return { kind: "new", role: role ?? null, pid: ownerPid(pid), ...terms };
  if (lease !== undefined) return { kind: "named", name: lease, ...terms };
  return role === undefined ? { kind: "default", ...terms } : { kind: "pinned", role, ...terms };
}

/** A role that is named is fetched first: what is missing shows here and not inside a program. */
async function accessTo(wanted: WantedLease, context: CliContext): Promise<LeaseAccess> {
  const { client } = context;
  switch (wanted.kind) {
    case "default":
      return client.call("lease-access", { lease: { by: "default" } });
    case "named":
      return accessToNamed(wanted.name, wanted.reason, context);
    case "pinned": {
      const { role, forSeconds } = wanted;
      const yes = await ready(role, wanted, context);
      return client.call("lease-access", { pinnedRole: role, ...(forSeconds !== undefined && { forSeconds }), ...yes });
    }
    case "new": {
      const { role, pid, forSeconds, movable } = wanted;
      const { scope } = wanted;
      const yes = role === null ? { ...(scope && { scope }) } : await ready(role, wanted, context);
      const terms = { ...(forSeconds !== undefined && { forSeconds }), ...(movable && { movable }) };
      return client.call("lease-child", { role, pid, ...terms, ...yes });
    }
  }
}

/** Confirmed, as its guard asks, then fetched. */
async function ready(role: string, { forSeconds, reason, scope }: Terms, context: CliContext): Promise<NarrowedTerms> {
  const yes = await confirmRole({ role, target: { by: "new" }, forSeconds, reason, scope }, context);
  const narrowed = scope ? { scope } : {};
  await withLogin(context, role, () => context.client.call("warm", { role, ...narrowed }));
  return { ...narrowed, ...yes };
}

interface Narrowed {
  readonly role: string;
  readonly scope?: WantedScope | undefined;
}

/** The role whose keys are to be printed, and what narrows them. */
async function roleOf(wanted: WantedLease, { client }: CliContext): Promise<Narrowed> {
  if (wanted.kind === "new") {
    throw usage("--as static prints keys and leaves no lease: --new has nothing to hold", "--as url");
  }
  if (wanted.kind === "pinned") return wanted;
  const lease = wanted.kind === "named" ? ({ by: "name", name: wanted.name } as const) : ({ by: "default" } as const);
  const { role, scope } = await client.call("lease-show", { lease });
  if (role !== null) return { role, scope };
  throw new BrokerError("NoRole", "the lease has no role yet, so there are no keys to print", {
    hint: "brokerctl use ROLE",
  });
}

function refuseContradictions({ role, lease, new: isNew, pid, forSeconds, movable, scope }: LeaseFlags): void {
  refuseTerms({ role, isNew, forSeconds, movable, scope });
  if (pid !== undefined && !isNew) {
    throw usage("--pid says which process holds a lease made with --new", `--new --pid ${pid}`);
  }
  if (lease === undefined) return;
  if (isNew) throw usage("--new makes a lease and --lease names one: choose", "--new --pid $$");
  if (role === undefined) return;
  throw usage(`a lease has its own role: ROLE and --lease ${lease} exclude each other`, `--lease ${lease}`);
}

interface WantedTerms extends Omit<Terms, "reason"> {
  readonly role: string | undefined;
  readonly isNew: boolean;
}

function refuseTerms({ role, isNew, forSeconds, movable, scope }: WantedTerms): void {
  if (scope && role === undefined && !isNew) {
    throw usage(
      `${describeScope(scope)} is for a lease on ROLE: the one that there is has its own scope`,
      "ROLE --read-only",
    );
  }
  if (forSeconds !== undefined && role === undefined) {
    throw usage("--for is for ROLE: other leases have ends of their own", "ROLE --new --pid $$ --for 30m");
  }
  if (movable && (!isNew || role === undefined)) {
    throw usage(
      "--movable is for --new and ROLE: a lease of env ROLE is pinned, others are movable",
      "ROLE --new --pid $$",
    );
  }
}

function ownerPid(text: string | undefined): number {
  if (text === undefined) throw usage("--new needs the process that holds the lease", "--new --pid $$");
  return parsePid(text, "brokerctl env --new --pid $$");
}

function usage(message: string, flags: string): BrokerError {
  return new BrokerError("UsageInvalid", message, { hint: `brokerctl env ${flags}` });
}
