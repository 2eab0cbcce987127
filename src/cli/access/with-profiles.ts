import type { LeaseAccess, WantedScope } from "../../control-api/lease-contract.js";
import { BrokerError } from "../../core/errors.js";
import { neutralAwsFiles } from "../aws-files/neutral-aws-files.js";
import type { CliContext } from "../context.js";
import { confirmRole } from "../guard/confirm-role.js";
import { withLogin } from "../login/login.js";
import { until } from "../terminal/when.js";
import { fetchWith } from "./fetch-credentials.js";
import { endOwnLease, handOver, type LeaseForChild } from "./own-lease.js";
import { makeProfileFiles } from "./profile-files.js";
import { type NamedProfile, profilesAskingFor } from "./profile-names.js";
import { ProfileRenewal, type ProfilesOfRole } from "./profile-renewal.js";
import { regionVariables } from "./variables.js";

export interface WantedProfiles {
  /** The command's own: `[default]`, and under its name. */
  readonly role: string;
  /** Nothing is fetched for a role that is not named. */
  readonly others: readonly NamedProfile[];
  readonly forSeconds: number | undefined;
  readonly reason: string | undefined;
  /** What narrows the keys of each of them. */
  readonly scope?: WantedScope | undefined;
}

/**
 * Runs `use` with files of temporary keys in the place of `~/.aws`, renewed until it has ended. Each role has a lease that ends
 * with the command, as with the other forms; the files are named by the first, so that brokerd's sweep can remove them.
 */
export async function withProfiles<T>(
  wanted: WantedProfiles,
  context: CliContext,
  use: (lease: LeaseForChild) => Promise<T>,
): Promise<T> {
  const made: LeaseAccess[] = [];
  try {
    const [first, ...others] = await leasesFor(wanted, context, made);
    return await withFiles(first ? [first, ...others] : [], context, use);
  } finally {
    for (const access of made) await endOwnLease(access, context);
  }
}

/** Each is in `made` as soon as there is one, so that what follows may fail. */
async function leasesFor(
  { role, others, forSeconds, reason, scope }: WantedProfiles,
  context: CliContext,
  made: LeaseAccess[],
): Promise<readonly ProfilesOfRole[]> {
  const names = new Map<string, string[]>();
  for (const other of others) names.set(other.role, [...(names.get(other.role) ?? []), other.name]);
  const own = ["default", ...(names.get(role) ?? [])];
  names.delete(role);
  const taken = new Set(others.map(({ name }) => name));
  const all: ProfilesOfRole[] = [];
  for (const [of, given] of [[role, own] as const, ...names]) {
    const yes = await confirmRole({ role: of, target: { by: "new" }, forSeconds, reason, scope }, context);
    const narrowed = scope ? { scope } : {};
    await withLogin(context, of, () => context.client.call("warm", { role: of, ...narrowed }));
    const terms = { ...narrowed, ...(forSeconds !== undefined && { forSeconds }) };
    const access = await context.client.call("lease-child", { role: of, pid: context.pid, ...terms, ...yes });
    made.push(access);
    const keys = await context.output.progress.during("fetching credentials", () => fetchWith(access, context));
    const more = of === role ? await moreNames(access.lease.role ?? role, taken, context) : [];
    all.push({ names: [...given, ...more], access, keys, region: access.region });
  }
  return all;
}

/** The role's own name, as its profile of `profiles sync` has it, and others by which the user's files ask us for it. */
async function moreNames(role: string, taken: ReadonlySet<string>, context: CliContext): Promise<readonly string[]> {
  const names = new Set([role, ...(await profilesAskingFor(role, context))]);
  return [...names].filter((name) => name !== "default" && !taken.has(name));
}

async function withFiles<T>(
  profiles: readonly ProfilesOfRole[],
  context: CliContext,
  use: (lease: LeaseForChild) => Promise<T>,
): Promise<T> {
  const { output, clock } = context;
  const [first] = profiles;
  if (!first) throw new BrokerError("InternalError", "there is no profile to write");
  const place = { leaseId: first.access.lease.id, runtimeDir: context.paths().runtimeDir };
  const files = await makeProfileFiles({ ...place, neutral: await neutralAwsFiles(context) }, profiles);
  const renewal = new ProfileRenewal({
    ...{ profiles, clock, write: files.writeKeys, warn: (message) => output.warn(message) },
    fetch: (access, signal) => fetchWith(access, context, signal),
  });
  try {
    for (const each of profiles) tell(each, context);
    renewal.start();
    return await use({
      variables: regionVariables(first.region),
      files: files.variables,
      handOverTo: async (pid) => {
        for (const { access } of profiles) await handOver(access, pid, context);
      },
    });
  } finally {
    await renewal.stop();
    await files.remove();
  }
}

function tell({ names, access, keys }: ProfilesOfRole, { output, clock }: CliContext): void {
  const role = access.lease.role ?? "the role";
  const account = keys.accountId === undefined ? "" : `, account ${keys.accountId}`;
  const end = until(Date.parse(keys.expiration), clock.now());
  output.say(`profile ${names.join(", ")}: keys of role ${role}${account}, good until ${end}; renewed in the file`);
}
