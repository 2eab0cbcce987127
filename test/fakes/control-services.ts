import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AuditLog } from "../../src/audit/audit-log.js";
import { adHocRole } from "../../src/config/ad-hoc-role.js";
import type { Config } from "../../src/config/config.js";
import { planRemove } from "../../src/config/edit/remove-entry.js";
import { planRename } from "../../src/config/edit/rename-entry.js";
import { showEntry } from "../../src/config/edit/show-entry.js";
import { type AwsImport, planAwsImport } from "../../src/config/import/aws-config-import.js";
import type {
  ConfigEdit,
  ControlServices,
  ImportTexts,
  RunningConfig,
  SessionNotice,
  SessionNotices,
} from "../../src/control/control-services.js";
import type { ControlRequest, ControlResponse, ScheduleView } from "../../src/control-api/contract.js";
import { BrokerError } from "../../src/core/errors.js";
import type { Role, Source } from "../../src/core/role.js";
import type { Secret } from "../../src/core/secret.js";
import type { SecretStoreKind } from "../../src/core/secret-store-kind.js";
import { CredentialsRegistry } from "../../src/credentials/credentials-registry.js";
import { createAssumeRole, createNarrow, RoleProvider } from "../../src/credentials/role-provider.js";
import { ConsoleLoginSourceProvider } from "../../src/credentials/sources/console-login-source.js";
import { KeyStore } from "../../src/credentials/sources/key-store.js";
import { KeysSessions } from "../../src/credentials/sources/keys-sessions.js";
import { MfaCodes } from "../../src/credentials/sources/mfa-codes.js";
import { SsoSourceProvider } from "../../src/credentials/sources/sso-source.js";
import { LeaseRegistry } from "../../src/leases/lease-registry.js";
import { Confirmations } from "../../src/requests/confirmations.js";
import { Questions } from "../../src/requests/questions.js";
import { RequestRegistry } from "../../src/requests/request-registry.js";
import type { StoreState } from "../../src/secrets/store-state.js";
import { createConsoleLogins } from "../../src/sso/sign-in/console-logins.js";
import { createSso } from "../../src/sso/sso.js";
import { FakeClock } from "../support/fake-clock.js";
import { memoryLogger } from "../support/memory-logger.js";
import { tempDir } from "../support/temp-dir.js";
import { FakeDialogs } from "./fake-dialogs.js";
import { FakePrograms } from "./fake-programs.js";
import { MemoryFunctions } from "./memory-functions.js";
import { MemoryIam } from "./memory-iam.js";
import { MemorySecretStore } from "./memory-secret-store.js";
import { MemorySignIn } from "./memory-sign-in.js";
import { MemorySso } from "./memory-sso.js";
import { MemorySts } from "./memory-sts.js";
import { MemoryTasks } from "./memory-tasks.js";
import { sourceProviders } from "./source-providers.js";

/** Notices that a test sends by hand. */
class FakeSessionNotices implements SessionNotices {
  readonly ended: string[] = [];
  readonly #watchers = new Set<(notice: SessionNotice) => void>();

  watch(told: (notice: SessionNotice) => void): () => void {
    this.#watchers.add(told);
    return () => this.#watchers.delete(told);
  }

  async byPerson<T>(source: string, end: () => Promise<T>): Promise<T> {
    this.ended.push(source);
    return end();
  }

  /** To all who watch. */
  tell(notice: SessionNotice): void {
    for (const told of this.#watchers) told(notice);
  }
}

/** A config without a file behind it. */
class MemoryConfig implements RunningConfig {
  readonly path = "/home/me/config.yaml";
  config: Config | undefined;
  changed = false;

  current(): Config | undefined {
    return this.config;
  }

  problem(): BrokerError | undefined {
    return this.config ? undefined : new BrokerError("ConfigInvalid", "config.yaml:1:1: version: missing");
  }

  async changedOnDisk(): Promise<boolean> {
    return this.changed;
  }

  edit: BrokerError | undefined;

  async takeUpEdit(): Promise<boolean> {
    return Promise.resolve(false);
  }

  editProblem(): BrokerError | undefined {
    return this.edit;
  }

  whyLeftOut(kind: string, name: string): BrokerError | undefined {
    const entry = this.config?.leftOut?.find((each) => each.kind === kind && each.name === name);
    return entry && new BrokerError("ConfigInvalid", entry.message);
  }

  async reload(): Promise<{ config: Config; notes: readonly string[] }> {
    return { config: await this.check(), notes: [] };
  }

  async inFile(): Promise<Config> {
    return this.check();
  }

  async check(): Promise<Config> {
    if (this.config) return this.config;
    throw new BrokerError("ConfigInvalid", "config.yaml:1:1: version: missing");
  }

  async planSource(edit: ConfigEdit): Promise<{ text: string; summary: string[] }> {
    return { text: `${edit.text}# ${edit.name}\n`, summary: [`source ${edit.name}`] };
  }

  async planRole(edit: ConfigEdit): Promise<{ text: string; summary: string[] }> {
    return { text: `${edit.text}# ${edit.name}\n`, summary: [`role ${edit.name}`] };
  }

  async showEntry(request: ControlRequest<"entry-show">): Promise<ControlResponse<"entry-show">> {
    return showEntry({ ...request, user: "me", host: "box" });
  }

  async planRename(request: ControlRequest<"entry-rename">): Promise<ControlResponse<"entry-rename">> {
    return planRename({ ...request, user: "me", host: "box" });
  }

  async planRemove(request: ControlRequest<"entry-remove">): Promise<ControlResponse<"entry-remove">> {
    return planRemove({ ...request, user: "me", host: "box" });
  }

  async planSsoRoles({ text }: ControlRequest<"sso-roles-plan">): Promise<ControlResponse<"sso-roles-plan">> {
    return { text: `${text}# sso\n`, summary: ["adds role a/b"], added: ["a/b"], removed: [], notes: [] };
  }

  unnamedRole(name: string): Role | undefined {
    return this.config && adHocRole(name, this.config);
  }

  async planImport(request: ImportTexts): Promise<AwsImport> {
    return planAwsImport({ ...request, user: "me", host: "box" });
  }

  async jsonSchema(): Promise<Record<string, unknown>> {
    return { type: "object" };
  }
}

export interface FakeServices extends ControlServices {
  readonly center: MemorySso;
  readonly clock: FakeClock;
  readonly sts: MemorySts;
  readonly iam: MemoryIam;
  readonly signIn: MemorySignIn;
  readonly functions: MemoryFunctions;
  readonly tasks: MemoryTasks;
  readonly secrets: MemorySecretStore;
  readonly config: MemoryConfig;
  /** Pids that run. */
  readonly processes: { readonly running: Set<number>; startTimeOf(pid: number): string | undefined };
  /** Where the audit log lies. */
  readonly stateDir: string;
  readonly dialogs: FakeDialogs;
  readonly display: { readonly told: object[]; tell(variables: object): void };
  readonly sessionNotices: FakeSessionNotices;
  readonly said: { stopped: number; state: StoreState; secretStore: SecretStoreKind; schedules: ScheduleView[] };
}

/** The control plane's services over memory: real registries, upstreams with behaviour. */
export async function fakeControlServices(sources: readonly Source[], roles: readonly Role[]): Promise<FakeServices> {
  const clock = new FakeClock();
  const logger = memoryLogger();
  const sts = new MemorySts(clock);
  const iam = new MemoryIam();
  const signIn = new MemorySignIn(clock);
  const secrets = new MemorySecretStore();
  const keys = new KeyStore(secrets);
  const assumeRole = createAssumeRole({ sts, clock });
  const sessions = new KeysSessions({
    keys,
    codes: new MfaCodes({ programs: new FakePrograms(), clock }),
    sts,
    assumeRole,
    clock,
    onChange: () => undefined,
  });
  const center = new MemorySso(clock);
  const sso = createSso({
    ...{ oidc: center, portal: center, secrets, clock, logger, random: () => 0 },
    listen: async () => ({ port: 54_321, close: async () => undefined }),
    sources: () => sources.filter((source) => source.type === "sso"),
    onLoggedIn: (source) => credentials.wake(source),
  });
  const consoleLogins = createConsoleLogins({
    ...{ signIn, secrets, clock, logger },
    listen: async () => ({ port: 54_322, close: async () => undefined }),
    onLoggedIn: (source) => credentials.wake(source),
  });
  const providers = sourceProviders({
    keys: sessions,
    sso: new SsoSourceProvider({ ...sso, clock }),
    console_login: new ConsoleLoginSourceProvider({ ...consoleLogins, assumeRole }),
  });
  const provider = new RoleProvider({
    assumeRole,
    narrow: createNarrow({ sts, clock }),
    sources: providers,
  });
  const credentials: CredentialsRegistry = new CredentialsRegistry({
    retrieveUpstream: (role, hops) => provider.retrieve(role, hops),
    clock,
    logger,
    random: () => 0,
    onChange: () => undefined,
  });
  credentials.configure(roles, 8 * 3_600_000);
  const running = new Set([4711]);
  const processes = { running, startTimeOf: (pid: number) => (running.has(pid) ? `start-of-${pid}` : undefined) };
  const leases = new LeaseRegistry({
    path: join(tempDir("control"), "leases.json"),
    writeAtomic: (path, data) => writeFile(path, data),
    ...{ secrets, clock, processes, logger },
  });
  await leases.load();
  await leases.reconcile();
  const stateDir = tempDir("control-audit");
  const noProcesses = { processOf: async () => undefined, processAt: async () => undefined };
  const audit = new AuditLog({
    ...{ stateDir, secrets, clock, logger },
    ...{ processes: noProcesses, redact: (text: string) => text },
  });
  const dialogs = new FakeDialogs();
  const display: FakeServices["display"] = { told: [], tell: (variables) => void display.told.push(variables) };
  const requests = new RequestRegistry({
    path: join(tempDir("control"), "requests.json"),
    writeAtomic: (path, data) => writeFile(path, data),
    clock,
  });
  await requests.load();
  const isPassphrase = async (passphrase: Secret): Promise<boolean> => passphrase.reveal() === "a right passphrase";
  const guard = {
    ...{ dialogs, display, requests, confirmations: new Confirmations(clock) },
    questions: new Questions({ clock, dialogs, isPassphrase }),
  };
  const sessionNotices = new FakeSessionNotices();
  const config = new MemoryConfig();
  config.config = {
    secretStore: "key_file",
    endpointPort: 9171,
    idleAfterMs: 8 * 3_600_000,
    programs: [],
    projects: [],
    requestRules: [],
    notices: "on",
    schedules: [],
    sources: new Map(sources.map((source) => [source.name, source])),
    roles: new Map(roles.map((role) => [role.name, role])),
  };
  const said: FakeServices["said"] = {
    ...{ stopped: 0, state: { state: "open", warnings: [] }, secretStore: "key_file", schedules: [] },
  };
  const setState = async (state: StoreState): Promise<StoreState> => {
    secrets.locked = state.state !== "open";
    return (said.state = state);
  };
  const locked = { state: "locked", message: "the secret store is locked", hint: "brokerctl unlock" } as const;
  return {
    ...{
      clock,
      logger,
      sts,
      iam,
      signIn,
      functions: new MemoryFunctions(),
      tasks: new MemoryTasks(),
      ...guard,
      secrets,
      keys,
      sessions,
      credentials,
      leases,
      config,
      processes,
      audit,
      stateDir,
      said,
      sources: providers,
      sso,
      consoleLogins,
      center,
      sessionNotices,
      schedules: { views: () => said.schedules },
      pages: { open: async () => Promise.reject(new Error("no page is served here")) },
    },
    store: {
      get kind() {
        return said.secretStore;
      },
      current: () => said.state,
      probe: async () => said.state,
      unlock: async () => setState({ state: "open", warnings: [] }),
      create: async () => setState({ state: "open", warnings: [] }),
      isPassphrase: async (passphrase) => said.secretStore === "passphrase" && isPassphrase(passphrase),
      lock: async () => {
        await setState(locked);
      },
    },
    sockets: { newPath: () => "/run/user/1000/credbroker/leases/new/lease.sock", problemOf: () => undefined },
    daemon: {
      pid: 99,
      version: "1.2.3",
      startedAt: clock.now(),
      overrides: ["AWS_ENDPOINT_URL_STS=http://127.0.0.1:1"],
      peerCheck: { on: true, why: null },
      memory: { on: false, why: "programs of your user can read it" },
      endpoint: () => "http://127.0.0.1:9171",
      warnings: async () => ["weak key file"],
      unlock: async (passphrase) =>
        setState(passphrase?.reveal() === "wrong" ? locked : { state: "open", warnings: [] }),
      createStore: async () => {
        if (said.state.state === "open") throw new BrokerError("Conflict", "a data key exists");
        return setState({ state: "open", warnings: ["weak"] });
      },
      lock: async () => {
        await setState(locked);
      },
      stopSoon: () => void said.stopped++,
    },
  };
}
