import type { DaemonState, RoleStateName, RoleView, StatusView } from "../../control-api/contract.js";
import type { SourceState, SourceView } from "../../control-api/login-contract.js";
import { type BrokerErrorCode, toBrokerError } from "../../core/errors.js";
import type { Lease } from "../../core/lease.js";
import { type Source, sourceOf } from "../../core/role.js";
import { storeProblem } from "../../core/store-problem.js";
import type { RoleSnapshot } from "../../credentials/credentials-registry.js";
import type { SourceProvider } from "../../credentials/sources/source-provider.js";
import type { ControlServices } from "../control-services.js";
import { guardView } from "../guard.js";
import { chooseRows, type Rank } from "../status-rows.js";
import { controlError, knownOf, leaseView } from "../views.js";
import type { Handlers } from "./handler.js";

/** What the daemon is and holds, for `status`, `roles` and the picker. */
export function statusHandlers(services: ControlServices): Handlers<"status" | "stop"> {
  const { daemon, leases, credentials } = services;
  return {
    status: async ({ rows, role }, { caller }) => {
      const defaultLease = leases.default;
      const own = caller.lease ?? defaultLease;
      const all = leases.list();
      const ownRole = role ?? (own && leases.roleOf(own));
      const defined = credentials.snapshot().filter((one) => !one.role.narrowed);
      const roles = chooseRows(defined, rows, roleRank(services, { ownRole, leases: all }));
      const chosenLeases = chooseRows(all, rows, ({ id, kind, lastUsedAt }) => {
        if (id === own?.id || kind === "default") return "own";
        return lastUsedAt === null ? "rest" : "live";
      });
      const used = new Set(roles.shown.map((shown) => sourceOf(shown.role).name));
      const wanted = role === undefined ? undefined : sourceNameOf(services, role);
      const sources = chooseRows(await sourceViews(services), rows, ({ name, state }) => {
        if (name === wanted) return "own";
        if (state !== "ready") return "in trouble";
        return used.has(name) ? "live" : "rest";
      });
      const more = { sources: sources.leftOut, roles: roles.leftOut, leases: chosenLeases.leftOut };
      return {
        daemon: await daemonView(services),
        defaultRole: defaultLease?.role ?? null,
        sources: sources.shown,
        roles: roles.shown.map((snapshot) => roleView(services, snapshot)),
        leases: chosenLeases.shown.map((lease) => leaseView(lease, services)),
        ...(Object.values(more).some(({ count }) => count > 0) && { more }),
        pendingRequests: services.requests.pendingCount,
        schedules: services.schedules.views(),
        ...leftOutOf(services),
      };
    },
    stop: async () => {
      daemon.stopSoon();
      return Promise.resolve({ pid: daemon.pid });
    },
  };
}

/** Of `SOURCE:ACCOUNT/ROLE` too, before anyone has used it. */
function sourceNameOf({ credentials }: ControlServices, role: string): string | undefined {
  const known = credentials.peek(role)?.role;
  return known ? sourceOf(known).name : role.split(":")[0];
}

interface RoleRanks {
  readonly ownRole: string | null | undefined;
  readonly leases: readonly Lease[];
}

function roleRank({ leases: registry }: ControlServices, { ownRole, leases }: RoleRanks): (one: RoleSnapshot) => Rank {
  const named = new Set(leases.map((lease) => registry.roleOf(lease)));
  return ({ role: { name }, error, held, lastRequestedAt }) => {
    if (name === ownRole) return "own";
    if (error) return "in trouble";
    if (held ?? lastRequestedAt !== undefined) return "live";
    return named.has(name) ? "named by a lease" : "rest";
  };
}

async function sourceViews(services: ControlServices): Promise<readonly SourceView[]> {
  const sources = [...(services.config.current()?.sources.values() ?? [])];
  return Promise.all(sources.map((source) => sourceView(services, source)));
}

async function daemonView({ daemon, config, store }: ControlServices): Promise<StatusView["daemon"]> {
  const problem = config.problem() ?? storeError(store.current());
  const askpass = config.current()?.askpass;
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
    ...(askpass !== undefined && { askpass }),
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
    ...timesOf(held, refreshAt),
    lastError: error ? controlError(error) : null,
    guard: role.guard ? guardView(role.guard) : null,
    ssoRoleName: role.sso?.roleName ?? null,
    lastRequestedAt: lastRequestedAt ?? null,
  };
}

function timesOf(
  held: RoleSnapshot["held"],
  refreshAt: number | undefined,
): { readonly issuedAt: number | null; readonly refreshAt: number | null } {
  if (!held) return { issuedAt: null, refreshAt: null };
  return { issuedAt: held.receivedAt, refreshAt: refreshAt === undefined ? null : Math.round(refreshAt) };
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
