import { isAbsolute, join } from "node:path";
import { adHocRole, guardsIn } from "../config/ad-hoc-role.js";
import type { Config } from "../config/config.js";
import { BrokerError } from "../core/errors.js";
import { guardOfUnnamed } from "../core/guard.js";
import type { Role, Source } from "../core/role.js";
import type { FileSystem } from "../files/atomic-file.js";
import { createSecretStore } from "../secrets/create-secret-store.js";
import type { PassphraseFiles } from "../secrets/passphrase.js";
import type { DaemonOptions, Services } from "./services.js";
import type { Serving } from "./serving.js";

export interface AppliedConfig {
  readonly options: DaemonOptions;
  readonly services: Services;
  readonly serving: Serving;
  readonly writeAtomic: (path: string, data: Uint8Array) => Promise<void>;
  readonly fileSystem: FileSystem;
  readonly next: Config;
  readonly former: Config | undefined;
}

/** Brings a config into force: roles first, then, the first time, the secret store and the port. Says what must wait. */
export async function applyConfig(applied: AppliedConfig): Promise<readonly string[]> {
  const { services, serving, next, former, options } = applied;
  services.credentials.configure([...next.roles.values(), ...unnamedRolesInUse(services, next)], next.idleAfterMs);
  narrowForLeases(services);
  dropChangedSessions(applied);
  if (!services.store.isConfigured) await openStore(applied);
  services.lifecycle.block();
  services.schedules.use(next.schedules);
  if (serving.isStarted && serving.endpoint() === null) await serving.bindEndpoint(next.endpointPort);
  options.logger.info({ roles: next.roles.size, sources: next.sources.size }, "config loaded");
  const problems = (next.leftOut ?? []).filter(({ because }) => because === undefined).map(({ message }) => message);
  for (const reason of problems) options.logger.error({ reason }, "entry of the config left out, degraded");
  tellChanges(applied);
  return [...problems, ...(former ? needRestart(former, applied) : [])];
}

/** Before the cache is read: what was held for them is taken up again. What cannot be narrowed so any more is told where it is asked for. */
function narrowForLeases({ leases, credentials }: Services): void {
  for (const lease of leases.list()) {
    const role = lease.scope && leases.roleOf(lease);
    if (!lease.scope || !role) continue;
    try {
      credentials.narrow(role, lease.scope);
    } catch (error) {
      if (!(error instanceof BrokerError)) throw error;
    }
  }
}

/** A changed config is on record however it came into force: it decides what a role is, who may have it, and what is done by itself. */
function tellChanges({ services, next, former }: AppliedConfig): void {
  if (!former) return;
  const changed = [
    ...changedNames(former.roles, next.roles).map((name) => `role ${name}`),
    ...changedNames(former.sources, next.sources).map((name) => `source ${name}`),
    ...(JSON.stringify(former.requestRules) === JSON.stringify(next.requestRules) ? [] : ["requests"]),
    ...(JSON.stringify(former.schedules) === JSON.stringify(next.schedules) ? [] : ["schedules"]),
  ];
  if (changed.length === 0) return;
  services.audit.record({ event: "config-changed", outcome: "done", detail: changed.join(", ") });
}

/** Of what was added, removed or is defined otherwise. */
function changedNames(former: ReadonlyMap<string, unknown>, next: ReadonlyMap<string, unknown>): readonly string[] {
  const names = new Set([...former.keys(), ...next.keys()]);
  return [...names].filter((name) => JSON.stringify(former.get(name)) !== JSON.stringify(next.get(name)));
}

/** A session opened with another MFA device is not what the config means now. */
function dropChangedSessions({ services, next, former }: AppliedConfig): void {
  for (const [name, source] of former?.sources ?? []) {
    if (mfaSerialOf(next.sources.get(name)) !== mfaSerialOf(source)) services.sessions.drop(name);
  }
}

function mfaSerialOf(source: Source | undefined): string | undefined {
  return source?.type === "keys" ? source.mfaSerial : undefined;
}

async function openStore({ options, services, writeAtomic, fileSystem, next }: AppliedConfig): Promise<void> {
  const { paths, clock, logger, keychainChild } = options;
  const store = createSecretStore({
    kind: next.secretStore,
    stateDir: paths.stateDir,
    ...(next.dataKeyCommand && { dataKeyCommand: next.dataKeyCommand }),
    passphraseFiles: passphraseFiles(options.environment),
    programs: services.programs,
    ...{ writeAtomic, fileSystem, clock, logger, keychainChild },
  });
  services.store.use(store);
  await services.lifecycle.probe();
}

/** The daemon's working directory is not the user's: a relative path would be looked for somewhere else. */
function passphraseFiles(environment: DaemonOptions["environment"]): PassphraseFiles {
  const named = environment["CREDBROKER_PASSPHRASE_FILE"];
  const directory = environment["CREDENTIALS_DIRECTORY"];
  if (named !== undefined && !isAbsolute(named)) {
    throw new BrokerError("ConfigInvalid", `CREDBROKER_PASSPHRASE_FILE is not an absolute path: ${named}`, {
      hint: `export CREDBROKER_PASSPHRASE_FILE="$PWD"/${named}`,
    });
  }
  return { named, credential: directory && join(directory, "credbroker-passphrase") };
}

function needRestart(former: Config, { next, serving }: AppliedConfig): string[] {
  const notes = [...serving.configNotes(next)];
  if (former.secretStore !== next.secretStore) notes.push("secret_store takes effect after brokerctl restart");
  else if (former.dataKeyCommand?.join("\0") !== next.dataKeyCommand?.join("\0")) {
    notes.push("data_key_command takes effect after brokerctl restart");
  }
  return notes;
}

type Known = Pick<Services, "leases" | "credentials" | "lambdaRoles">;

/** A role that no entry of the config names: one that a source of it can have, or that of a deployed function. */
export function unnamedRole(
  name: string,
  config: Config,
  { lambdaRoles }: Pick<Services, "lambdaRoles">,
): Role | undefined {
  const resolveVia = (via: string): Role | undefined => config.roles.get(via) ?? adHocRole(via, config);
  const ofFunction = (): Role | undefined => {
    const role = lambdaRoles.role(name, resolveVia);
    const guard = role && guardOfUnnamed(role, guardsIn(config));
    return guard ? { ...role, guard } : role;
  };
  return adHocRole(name, config) ?? ofFunction();
}

/** The roles that no entry of the config names and that a lease or a client uses, with what they are chained from. */
export function unnamedRolesInUse(known: Known, config: Config): Role[] {
  const found = new Map<string, Role>();
  for (const name of namesInUse(known)) {
    const role = config.roles.has(name) ? undefined : unnamedRole(name, config, known);
    if (!role) continue;
    const { origin } = role;
    if (origin.kind === "role" && !config.roles.has(origin.role.name)) found.set(origin.role.name, origin.role);
    found.set(name, role);
  }
  return [...found.values()];
}

/** The roles that leases name, now or for later, and those that a client fetched lately; all others may be let go. */
export function namesInUse({ leases, credentials }: Pick<Known, "leases" | "credentials">): ReadonlySet<string> {
  const ofLeases = leases
    .list()
    .flatMap(({ role, temporary, previousRole }) => [role, temporary?.thenRole, previousRole]);
  const wanted = credentials.snapshot().filter(({ lastRequestedAt }) => lastRequestedAt !== undefined);
  const names = [...ofLeases, ...wanted.map(({ role }) => role.narrowed?.base.name ?? role.name)];
  return new Set(names.filter((name) => name !== null && name !== undefined));
}
