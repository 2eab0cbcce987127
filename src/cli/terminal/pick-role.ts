import type { RoleView, StatusView } from "../../control-api/contract.js";
import type { LeaseView } from "../../control-api/lease-contract.js";
import type { SsoRoleFound } from "../../core/config-edit.js";
import { BrokerError } from "../../core/errors.js";
import type { LeaseSelector } from "../../core/lease.js";
import { ssoRoleId } from "../../core/role.js";
import { withShellLease } from "../access/find-lease.js";
import type { CliContext } from "../context.js";
import { listSsoRoles } from "../login/sso-accounts.js";
import type { Choice } from "./prompts.js";
import { span } from "./when.js";

/** What a login can have changes seldom; `sso roles` always asks the portal. */
const MAX_AGE_SECONDS = 3600;
/** Names in an error that a user is to read. */
const MAX_SHOWN = 20;

/**
 * The role that the user chooses from a list: those of the config, and what logins to Identity Center can have, the last
 * requested first. `named`: the lease that is to be moved; undefined: this shell's. Without a terminal, exit 2 with names.
 */
export async function pickRole(context: CliContext, command: string, named?: LeaseSelector): Promise<string> {
  const { interactive, output, prompts } = context;
  const status = await context.client.call("status", {});
  if (!interactive || output.json) throw roleNeeded(status, command);
  const choices = choicesOf(status, {
    now: context.clock.now(),
    granted: await grantedRoles(status, context),
    current: await currentRole(context, named),
  });
  if (choices.length === 0) throw noRoles();
  return prompts.pick("Which role?", choices);
}

interface Beside {
  readonly now: number;
  /** `SOURCE:ACCOUNT/ROLE` → whose it is. */
  readonly granted: ReadonlyMap<string, SsoRoleFound>;
  readonly current: string | null;
}

function choicesOf({ roles, leases }: StatusView, { now, granted, current }: Beside): readonly Choice[] {
  const names = new Set(roles.map(({ name }) => name));
  const inConfig = new Set(roles.map(ssoNameOf));
  const requestedAt = new Map(roles.map((role) => [role.name, requestOf(role, leases)]));
  const known = roles.map(({ name, accountId, state }) => {
    const found = granted.get(name);
    const account = found?.accountName ?? accountId;
    return choice(name, { account, about: aboutOf(state, now, requestedAt.get(name)), current });
  });
  const more = [...granted]
    .filter(([name]) => !names.has(name) && !inConfig.has(name))
    .map(([name, { accountName }]) => choice(name, { account: accountName, about: "not used yet", current }));
  const recency = ({ value }: Choice): number => requestedAt.get(value) ?? 0;
  // Sorting is stable: what was never requested stays in the order of the config and of the accounts' names.
  return [...known, ...more].toSorted((a, b) => recency(b) - recency(a));
}

/** `ready, used 12 min ago`: what the marked line says. */
function aboutOf(state: string, now: number, requestedAt = 0): string {
  const used = requestedAt === 0 ? [] : [`used ${span(Math.max(0, now - requestedAt))} ago`];
  return [state.replace("_", " "), ...used].join(", ");
}

interface Shown {
  readonly account: string | null;
  readonly about: string;
  readonly current: string | null;
}

function choice(value: string, { account, about, current }: Shown): Choice {
  const label = [value, account, value === current ? "(current)" : null].filter((part) => part !== null).join("  ");
  return { value, label, hint: about };
}

/** The name under which a role of the config could be had without the config. */
function ssoNameOf({ source, accountId, ssoRoleName }: RoleView): string | undefined {
  if (accountId === null || ssoRoleName === null) return undefined;
  return ssoRoleId(source, { accountId, roleName: ssoRoleName });
}

/** Its credentials are let go after a while, its leases are not. */
function requestOf({ name, lastRequestedAt }: RoleView, leases: readonly LeaseView[]): number {
  const times = leases.filter(({ role }) => role === name).map(({ lastUsedAt, createdAt }) => lastUsedAt ?? createdAt);
  return Math.max(lastRequestedAt ?? 0, ...times);
}

/** What cannot be listed now does not keep the rest from being chosen; it is said. */
async function grantedRoles({ sources }: StatusView, context: CliContext): Promise<Beside["granted"]> {
  const { output } = context;
  const granted = new Map<string, SsoRoleFound>();
  for (const { name: source, type, state } of sources) {
    if (type !== "sso") continue;
    if (state !== "ready") {
      output.say(`what ${source} can have is not listed: brokerctl login ${source}`);
      continue;
    }
    try {
      const found = await listSsoRoles(context, source, { maxAgeSeconds: MAX_AGE_SECONDS });
      for (const each of found) granted.set(ssoRoleId(source, each), each);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
      output.warn(`what ${source} can have is not listed: ${error.message}`);
    }
  }
  return granted;
}

async function currentRole(context: CliContext, named: LeaseSelector | undefined): Promise<string | null> {
  const show = (lease: LeaseSelector): Promise<LeaseView> => context.client.call("lease-show", { lease });
  try {
    return (named ? await show(named) : await withShellLease(context, show)).role;
  } catch {
    return null; // what is wrong with the lease is told when it is to be moved
  }
}

function roleNeeded({ roles }: StatusView, command: string): BrokerError {
  if (roles.length === 0) return noRoles();
  const names = roles.map(({ name }) => name);
  const shown = names.length > MAX_SHOWN ? [...names.slice(0, MAX_SHOWN), "…"] : names;
  return new BrokerError("UsageInvalid", `ROLE is needed: one of ${shown.join(", ")}`, {
    hint: `${command} ${names[0] ?? "ROLE"}`,
  });
}

function noRoles(): BrokerError {
  return new BrokerError("UsageInvalid", "the config has no roles yet", { hint: "brokerctl role add --help" });
}
