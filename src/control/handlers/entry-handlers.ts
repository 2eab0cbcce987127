import type { Config } from "../../config/config.js";
import type { EntryName, EntryRename } from "../../core/config-edit.js";
import { BrokerError } from "../../core/errors.js";
import { grantDigest } from "../../core/guard.js";
import type { Lease } from "../../core/lease.js";
import type { Role, Source } from "../../core/role.js";
import { viaOfDeployedRole } from "../../core/unknown-role.js";
import type { ControlServices } from "../control-services.js";
import { refusePinnedCaller } from "../guard.js";
import { configInForce } from "../named-entries.js";
import type { Handlers } from "./handler.js";

type Operations = "entry-show" | "entry-rename" | "entry-renamed" | "entry-remove";

/** Roles and sources by their names. The file is the CLI's to write; what hangs on a name besides is here: leases and keys. */
export function entryHandlers(services: ControlServices): Handlers<Operations> {
  const { config } = services;
  return {
    "entry-show": (request) => config.showEntry(request),
    "entry-rename": async (request) => {
      const plan = await config.planRename(request);
      await refuseRename(services, request);
      return plan;
    },
    "entry-renamed": async (request, { caller }) => {
      refusePinnedCaller(caller, `${request.kind} rename`);
      await refuseOtherThanRenamed(services, request);
      return carryOver(services, request);
    },
    "entry-remove": async (request) => {
      const plan = await config.planRemove(request);
      await refuseRemoval(services, request);
      return plan;
    },
  };
}

/** Before the file is written: what could not follow afterwards. */
async function refuseRename(services: ControlServices, { kind, name, to }: EntryRename): Promise<void> {
  const viaIt = services.leases
    .list()
    .filter((lease) => rolesOf(lease).some((role) => isNamed(viaOfDeployedRole(role), { kind, name })));
  if (viaIt.length > 0) {
    throw new BrokerError(
      "Conflict",
      `${shown(viaIt)} of a Lambda function by ${kind} ${name}: rename it when they have ended`,
      {
        hint: "brokerctl lease list",
      },
    );
  }
  if (kind === "role" || !(await isStored(services, name))) return;
  const [own, other] = [
    await services.keys.get(name),
    (await services.keys.has(to)) ? await services.keys.get(to) : undefined,
  ];
  if (!other || other.accessKeyId === own.accessKeyId) return;
  throw new BrokerError("Conflict", `the secret store has a key of a former source ${to}`, {
    hint: `brokerctl keys remove ${to}`,
  });
}

/**
 * Leases follow a name and nothing else: the file has the new one in the old one's place, and what it names is what it was. An
 * entry that a reload knows no more can be followed by its name only, as when a rename was stopped half-way.
 */
async function refuseOtherThanRenamed({ config }: ControlServices, { kind, name, to }: EntryRename): Promise<void> {
  const next = await config.inFile();
  const former = config.current();
  const entries = ({ roles, sources }: Config): ReadonlyMap<string, Role | Source> =>
    kind === "role" ? roles : sources;
  const [was, is] = [former && entries(former).get(name), entries(next).get(to)];
  const isSame = is !== undefined && !entries(next).has(name) && (!was || definitionOf(was) === definitionOf(is));
  if (isSame) return;
  throw new BrokerError("Conflict", `${config.path} does not have ${kind} ${name} under the name ${to}`, {
    hint: `brokerctl ${kind} rename ${name} ${to}`,
  });
}

/** All of it but its name: of a role the digest, which stands for its chain too, and its guard. */
function definitionOf(entry: Role | Source): string {
  return "digest" in entry ? grantDigest(entry) : JSON.stringify({ ...entry, name: null });
}

/**
 * The file has the new name already. Leases before the config: a client that asks in between has the file read, which knows
 * the name. Where a control request read the file before us, a client can be told `RoleUnknown` for these milliseconds.
 */
async function carryOver(
  services: ControlServices,
  rename: EntryRename,
): Promise<{ leases: number; notes: readonly string[] }> {
  const { kind, name, to } = rename;
  const held = kind === "source" ? await copyHeld(services, rename) : undefined;
  const count = await services.leases.renameRoles((role) => renamed(role, rename));
  const { config: loaded, notes } = await services.config.reload();
  // A file that was changed back meanwhile keeps its key.
  if (held && loaded.sources.has(to) && !loaded.sources.has(name)) await moveHeld(services, rename, held);
  return { leases: count, notes };
}

/** What hangs on the name of a source. */
interface Held {
  readonly isLogin: boolean;
  readonly isKey: boolean;
  readonly session: ReturnType<ControlServices["sessions"]["peek"]>;
}

/** Under both names from now on. */
async function copyHeld(services: ControlServices, { name, to }: EntryRename): Promise<Held> {
  const { config, keys, sessions, consoleLogins } = services;
  const isLogin = config.current()?.sources.get(name)?.type === "console_login";
  if (isLogin) await consoleLogins.sessions.copy(name, to);
  const session = sessions.peek(name);
  const isKey = await isStored(services, name);
  if (isKey && !(await keys.has(to))) await keys.put({ ...(await keys.get(name)), source: to });
  return { isLogin, isKey, session };
}

async function moveHeld(services: ControlServices, { name, to }: EntryRename, held: Held): Promise<void> {
  if (held.session) services.sessions.restore(to, held.session);
  if (held.isKey) await services.keys.delete(name);
  if (held.isLogin) await services.consoleLogins.sessions.drop(name);
}

function renamed(role: string, { kind, name, to }: EntryRename): string {
  return isNamed(role, { kind, name }) ? to + role.slice(name.length) : role;
}

/** The role itself, or one of the source that no entry names: `SOURCE:ACCOUNT/ROLE`. */
function isNamed(role: string | undefined, { kind, name }: EntryName): boolean {
  return kind === "role" ? role === name : role?.startsWith(`${name}:`) === true;
}

async function refuseRemoval(services: ControlServices, entry: EntryName): Promise<void> {
  const { kind, name } = entry;
  const holding = services.leases
    .list()
    .filter((lease) => rolesOf(lease).some((role) => isNamed(role, entry) || isNamed(viaOfDeployedRole(role), entry)));
  if (holding.length > 0) {
    throw new BrokerError("Conflict", `${kind} ${name} is in use: ${shown(holding)}`, { hint: wayOut(holding) });
  }
  if (kind === "role") return;
  if (await isStored(services, name)) {
    throw new BrokerError("Conflict", `source ${name} has an access key in the secret store`, {
      hint: `brokerctl keys remove ${name}`,
    });
  }
  await refuseLoggedIn(services, name);
}

/** A login that no source names any more could not be ended by a command. */
async function refuseLoggedIn(services: ControlServices, name: string): Promise<void> {
  const source = services.config.current()?.sources.get(name);
  if (!source || !(await isLoggedInAlone(services, source))) return;
  throw new BrokerError("Conflict", `you are logged in to ${name}`, { hint: `brokerctl logout ${name}` });
}

/** Sources of one portal share its login. */
async function isLoggedInAlone({ config, sources }: ControlServices, source: Source): Promise<boolean> {
  if (source.type === "console_login") return (await sources.console_login.readiness(source)).needs === undefined;
  if (source.type !== "sso") return false;
  const { needs } = await sources.sso.readiness(source);
  const others = [...(config.current()?.sources.values() ?? [])].filter(({ name }) => name !== source.name);
  const isShared = others.some((other) => other.type === "sso" && other.startUrl === source.startUrl);
  return needs === undefined && !isShared;
}

/** Rejects with `StoreLocked` where that cannot be known; a source of another type has no key, whatever the store's state. */
async function isStored(services: ControlServices, name: string): Promise<boolean> {
  const type = configInForce(services).sources.get(name)?.type;
  return (type === undefined || type === "keys") && services.keys.has(name);
}

/** Now and later. What it had before is only a way back. */
function rolesOf({ role, temporary }: Lease): readonly string[] {
  return [role, temporary?.thenRole].filter((one) => typeof one === "string");
}

function shown(leases: readonly Lease[]): string {
  const named = leases.flatMap(({ name }) => (name === undefined ? [] : [`lease ${name}`]));
  const others = leases.length - named.length;
  return [...named, ...(others > 0 ? [`${others} ${others === 1 ? "lease" : "leases"} of running programs`] : [])].join(
    ", ",
  );
}

function wayOut([first]: readonly Lease[]): string {
  if (first?.kind === "default") return "brokerctl use OTHER-ROLE --default";
  if (first?.kind === "named") return `brokerctl lease set ${first.name ?? ""} OTHER-ROLE`;
  if (first?.kind === "pinned") return `brokerctl lease revoke ${first.name ?? ""}`;
  return "brokerctl lease list";
}
