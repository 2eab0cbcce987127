import type { DaemonState, RoleStateName, RoleView, StatusView } from "../../control-api/contract.js";
import type { SourceState, SourceView } from "../../control-api/login-contract.js";
import { type BrokerErrorCode, toBrokerError } from "../../core/errors.js";
import { type Source, sourceOf } from "../../core/role.js";
import { storeProblem } from "../../core/store-problem.js";
import type { RoleSnapshot } from "../../credentials/credentials-registry.js";
import type { SourceProvider } from "../../credentials/sources/source-provider.js";
import type { ControlServices } from "../control-services.js";
import { guardView } from "../guard.js";
import { controlError, knownOf, leaseView } from "../views.js";
import type { Handlers } from "./handler.js";

/** What the daemon is and holds, for `status`, `roles` and the picker. */
export function statusHandlers(services: ControlServices): Handlers<"status" | "stop"> {
  const { daemon, leases, credentials, config } = services;
  return {
    status: async () => ({
      daemon: await daemonView(services),
      defaultRole: leases.list().find(({ kind }) => kind === "default")?.role ?? null,
      sources: await Promise.all(
        [...(config.current()?.sources.values() ?? [])].map((source) => sourceView(services, source)),
      ),
      roles: credentials.snapshot().map((snapshot) => roleView(services, snapshot)),
      leases: leases.list().map((lease) => leaseView(lease, services)),
      pendingRequests: services.requests.pendingCount,
      ...leftOutOf(services),
    }),
    stop: async () => {
      daemon.stopSoon();
      return Promise.resolve({ pid: daemon.pid });
    },
  };
}

async function daemonView({ daemon, config, store }: ControlServices): Promise<StatusView["daemon"]> {
  const problem = config.problem() ?? storeError(store.current());
  const warnings = [...(await daemon.warnings())];
  if (await config.changedOnDisk()) {
    const why = config.editProblem();
    const what = why === undefined ? "brokerctl restart" : `${why.message}: brokerctl config edit`;
    warnings.push(`${config.path} changed on disk and is not in force: ${what}`);
  }
  return {
    pid: daemon.pid,
    version: daemon.version,
    startedAt: daemon.startedAt,
    endpoint: daemon.endpoint(),
    secretStore: store.kind,
    state: daemonState(config, store.current().state),
    overrides: daemon.overrides,
    warnings,
    problem: problem ? controlError(problem) : null,
    configPath: config.path,
    peerCheck: daemon.peerCheck,
    memory: daemon.memory,
  };
}

function leftOutOf({ config }: ControlServices): Pick<StatusView, "leftOut"> {
  const entries = config.current()?.leftOut;
  return {
    ...(entries && {
      leftOut: entries.map(({ kind, name, because = null, message }) => ({
        ...{ kind, name, because },
        error: { code: "ConfigInvalid", message, hint: "brokerctl config edit" },
      })),
    }),
  };
}

type StoreNow = ReturnType<ControlServices["store"]["current"]>;

function storeError(state: StoreNow): ReturnType<typeof storeProblem> | undefined {
  return state.state === "open" ? undefined : storeProblem(state);
}

/** What is locked has to be unlocked first; that some entry is left out comes after it. */
function daemonState(config: ControlServices["config"], store: StoreNow["state"]): DaemonState {
  if (config.problem() !== undefined || store === "error" || store === "absent") return "degraded";
  if (store === "locked") return "locked";
  return config.current()?.leftOut ? "degraded" : "ready";
}

async function sourceView(services: ControlServices, source: Source): Promise<SourceView> {
  const { name, type } = source;
  try {
    const provider: SourceProvider<Source> = services.sources[type];
    const { needs, expiresAt } = await provider.readiness(source);
    return { name, type, state: needs === undefined ? "ready" : sourceState(needs), expiresAt: expiresAt ?? null };
  } catch (error) {
    return { name, type, state: sourceState(toBrokerError(error).code), expiresAt: null };
  }
}

function sourceState(code: BrokerErrorCode): SourceState {
  const states: Partial<Record<BrokerErrorCode, SourceState>> = {
    KeyMissing: "missing_key",
    MfaRequired: "mfa_required",
    LoginRequired: "login_required",
    StoreLocked: "locked",
  };
  return states[code] ?? "error";
}

function roleView({ store }: ControlServices, snapshot: RoleSnapshot): RoleView {
  const { role, held, error, refreshAt, lastRequestedAt } = snapshot;
  return {
    name: role.name,
    source: sourceOf(role).name,
    state: store.current().state === "locked" ? "locked" : roleState(snapshot),
    ...knownOf(role, held),
    region: role.region ?? null,
    refreshAt: held && refreshAt !== undefined ? Math.round(refreshAt) : null,
    lastError: error ? controlError(error) : null,
    guard: role.guard ? guardView(role.guard) : null,
    ssoRoleName: role.sso?.roleName ?? null,
    lastRequestedAt: lastRequestedAt ?? null,
  };
}

const STATE_OF_ERROR: Partial<Record<BrokerErrorCode, RoleStateName>> = {
  LoginRequired: "login_required",
  MfaRequired: "mfa_required",
  AssumeRoleDenied: "denied",
  StoreLocked: "locked",
};

/** While valid credentials are held the role is ready; what fails in a renewal is in lastError. */
function roleState({ held, refreshing, error }: RoleSnapshot): RoleStateName {
  if (refreshing) return "refreshing";
  if (held) return "ready";
  return error ? (STATE_OF_ERROR[error.code] ?? "error") : "idle";
}
