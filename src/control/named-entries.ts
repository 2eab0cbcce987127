import type { SsoAccount, SsoAccountRole } from "../aws/sso.js";
import type { Config } from "../config/config.js";
import { BrokerError } from "../core/errors.js";
import { nearestName } from "../core/nearest-name.js";
import {
  type KeysSource,
  type Role,
  type Source,
  type SsoRoleParts,
  type SsoSource,
  ssoRoleId,
  ssoRoleParts,
} from "../core/role.js";
import { isDeployedRole, unknownRole } from "../core/unknown-role.js";
import type { ControlServices } from "./control-services.js";

/** Accounts are rarely renamed. */
const MAX_AGE_MS = 10 * 60_000;
/** For a name that is not in the list: a new account is found, and a name that no account has does not ask each time. */
const MISS_MAX_AGE_MS = 10_000;
const MAX_SHOWN = 10;

/** The config in force, or why there is none. */
export function configInForce({ config }: ControlServices): Config {
  const current = config.current();
  if (current) return current;
  throw config.problem() ?? new BrokerError("ConfigInvalid", "no config is loaded", { hint: "brokerctl init" });
}

/**
 * The role that a request names: of the config, or `SOURCE:ACCOUNT/ROLE` that no entry names, the account by its id or by
 * a name that is the only such one. Such a role joins the registry of credentials. Answers the role under the name to keep, which holds the id: names change hands.
 * Rejects with RoleUnknown, with UsageInvalid where an account's name is ambiguous, with LoginRequired where only a login
 * could tell.
 */
export async function adoptRoleNamed(services: ControlServices, name: string, signal: AbortSignal): Promise<Role> {
  const role = await roleNamed(services, name, signal);
  if (!configInForce(services).roles.has(role.name)) services.credentials.adopt(role);
  return role;
}

/** The same for who looks only: nothing joins the registry. */
export async function roleNamed(services: ControlServices, name: string, signal: AbortSignal): Promise<Role> {
  const role =
    configInForce(services).roles.get(name) ??
    services.config.unnamedRole(name) ??
    (await byAccountName(services, name, signal));
  if (role) return role;
  throw services.config.whyLeftOut("role", name) ?? roleUnknown(services, name);
}

/** The source that a request names. */
export function sourceNamed(services: ControlServices, name: string): Source {
  const source = configInForce(services).sources.get(name);
  if (source) return source;
  throw (
    services.config.whyLeftOut("source", name) ??
    new BrokerError("SourceUnknown", `no source ${name} in ${services.config.path}`, {
      hint: `brokerctl source add ${name} --type keys`,
    })
  );
}

/** For what is about Identity Center. */
export function ssoSourceNamed(services: ControlServices, name: string): SsoSource {
  const source = sourceNamed(services, name);
  if (source.type === "sso") return source;
  throw new BrokerError("UsageInvalid", `source ${name} is of type ${source.type}: it is not logged in to`, {
    hint: "brokerctl status",
  });
}

/** For what is about access keys: only `keys` sources have one. */
export function keysSourceNamed(services: ControlServices, name: string): KeysSource {
  const source = sourceNamed(services, name);
  if (source.type === "keys") return source;
  throw new BrokerError("UsageInvalid", `source ${name} is of type ${source.type}: it has no access key`, {
    hint: "brokerctl status",
  });
}

async function byAccountName(services: ControlServices, name: string, signal: AbortSignal): Promise<Role | undefined> {
  const parts = ssoRoleParts(name);
  const source = parts && configInForce(services).sources.get(parts.source);
  if (!parts || source?.type !== "sso" || /^\d{12}$/.test(parts.account)) return undefined;
  const { accountId } = await accountNamed(services, { source, parts, signal });
  const roles = await services.sso.listing.roles(source, accountId, { signal, maxAgeMs: MAX_AGE_MS });
  return services.config.unnamedRole(ssoRoleId(source.name, { accountId, roleName: spelled(parts.roleName, roles) }));
}

interface Wanted {
  readonly source: SsoSource;
  readonly parts: SsoRoleParts;
  readonly signal: AbortSignal;
}

async function accountNamed(services: ControlServices, { source, parts, signal }: Wanted): Promise<SsoAccount> {
  const { listing } = services.sso;
  const recent = await listing.accounts(source, { signal, maxAgeMs: MAX_AGE_MS });
  const found = called(parts.account, recent);
  const accounts = found.length > 0 ? recent : await listing.accounts(source, { signal, maxAgeMs: MISS_MAX_AGE_MS });
  const [account, ...others] = found.length > 0 ? found : called(parts.account, accounts);
  if (!account) throw noAccount(parts, accounts);
  if (others.length > 0) throw ambiguous(parts, [account, ...others]);
  return account;
}

/** As it is spelled; only where nothing is spelled so, in whatever case. */
function called(name: string, accounts: readonly SsoAccount[]): readonly SsoAccount[] {
  const exact = accounts.filter(({ accountName }) => accountName === name);
  return exact.length > 0 ? exact : accounts.filter(({ accountName }) => folded(accountName) === folded(name));
}

/** A role's name in the case that AWS has it in; one that the account does not have is for AWS to refuse. */
function spelled(roleName: string, roles: readonly SsoAccountRole[]): string {
  const names = roles.map((role) => role.roleName);
  if (names.includes(roleName)) return roleName;
  const [alike, ...others] = names.filter((each) => folded(each) === folded(roleName));
  return alike !== undefined && others.length === 0 ? alike : roleName;
}

function folded(text: string): string {
  return text.normalize("NFC").toLowerCase().trim();
}

function noAccount({ source, account }: SsoRoleParts, accounts: readonly SsoAccount[]): BrokerError {
  const meant = nearestName(
    account,
    accounts.map(({ accountName }) => accountName),
  );
  const question = meant === undefined ? "" : `: did you mean ${meant}?`;
  return new BrokerError("RoleUnknown", `the login of ${source} has no account called ${account}${question}`, {
    hint: `brokerctl sso roles ${source}`,
  });
}

function ambiguous({ source, account, roleName }: SsoRoleParts, accounts: readonly SsoAccount[]): BrokerError {
  const ids = accounts.map(({ accountId }) => ssoRoleId(source, { accountId, roleName }));
  const shown = ids.length > MAX_SHOWN ? [...ids.slice(0, MAX_SHOWN), "…"] : ids;
  return new BrokerError(
    "UsageInvalid",
    `${ids.length} accounts of ${source} are called ${account}: say which one by its id`,
    { hint: shown.join(" or ") },
  );
}

function roleUnknown({ config }: ControlServices, name: string): BrokerError {
  if (isDeployedRole(name)) return unknownRole(name);
  const current = config.current();
  if (name.includes(":")) return notAdHoc(current?.sources.get(name.slice(0, name.indexOf(":"))), name);
  const meant = nearestName(name, current?.roles.keys() ?? []);
  const question = meant === undefined ? "" : `: did you mean ${meant}?`;
  return new BrokerError("RoleUnknown", `no role ${name} in ${config.path}${question}`, { hint: "brokerctl roles" });
}

/** A colon is in no role's name: what has one is meant as SOURCE:ACCOUNT/ROLE. */
function notAdHoc(source: Source | undefined, name: string): BrokerError {
  const refused = (why: string, hint: string): BrokerError =>
    new BrokerError("RoleUnknown", `${name} is not SOURCE:ACCOUNT/ROLE: ${why}`, { hint });
  if (source?.type === "sso") {
    const why = "ACCOUNT is an account's id or name and ROLE a permission set's name";
    return refused(why, `brokerctl sso roles ${source.name}`);
  }
  if (source?.type === "aws_sso_cache") {
    return refused("ACCOUNT is 12 digits and ROLE a permission set's name", `${source.name}:111111111111/ROLE`);
  }
  return refused(`${name.slice(0, name.indexOf(":"))} is no source of type sso`, "brokerctl status");
}
