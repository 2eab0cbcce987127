import type { LeftOutView, RoleView, ScheduleView, StatusView } from "../../control-api/contract.js";
import type { LeaseAccess, LeaseView, RoleSummary } from "../../control-api/lease-contract.js";
import type { SourceView } from "../../control-api/login-contract.js";
import { describeScope, type LeaseScope } from "../../core/lease-scope.js";
import { shellQuote } from "../../core/shell-quote.js";
import type { CliContext } from "../context.js";
import { isoInstant } from "./when.js";

/** What `--json` prints: snake_case fields that scripts rely on and that keep their meaning, instants as whole-second UTC. */
type Json = Readonly<Record<string, unknown>>;

export function statusJson(status: StatusView): Json {
  const { daemon, defaultRole, sources, roles, leases, pendingRequests, leftOut, schedules = [] } = status;
  return {
    daemon: {
      pid: daemon.pid,
      version: daemon.version,
      started_at: isoInstant(daemon.startedAt),
      endpoint: daemon.endpoint,
      secret_store: daemon.secretStore,
      state: daemon.state,
      overrides: daemon.overrides,
      warnings: daemon.warnings,
      problem: daemon.problem,
      config_path: daemon.configPath,
      peer_check: daemon.peerCheck ?? null,
      memory: daemon.memory ?? null,
    },
    default_role: defaultRole,
    sources: sources.map(sourceJson),
    roles: roles.map(roleJson),
    leases: leases.map(leaseJson),
    pending_requests: pendingRequests,
    schedules: schedules.map(scheduleJson),
    left_out: leftOutJson(leftOut),
  };
}

export function leftOutJson(leftOut: readonly LeftOutView[] = []): readonly Json[] {
  return leftOut.map(({ kind, name, because, error }) => ({ kind, name, because, error }));
}

export function sourceJson({ name, type, state, expiresAt }: SourceView): Json {
  return { name, type, state, expires_at: isoInstant(expiresAt) };
}

function scheduleJson({ cron, do: act, nextAt, waitsForUnlock, lastRunAt, lastError }: ScheduleView): Json {
  return {
    ...{ cron, do: act, next_run: isoInstant(nextAt), waits_for_unlock: waitsForUnlock },
    ...{ last_run: isoInstant(lastRunAt), last_error: lastError },
  };
}

export function roleJson(role: RoleView): Json {
  return {
    name: role.name,
    source: role.source,
    state: role.state,
    role_arn: role.roleArn,
    account_id: role.accountId,
    region: role.region,
    expiration: isoInstant(role.expiration),
    refresh_at: isoInstant(role.refreshAt),
    last_error: role.lastError,
    guard: role.guard && {
      confirm: role.guard.confirm,
      reason: role.guard.reason,
      max_lease_seconds: role.guard.maxLeaseSeconds,
    },
  };
}

export function leaseJson(lease: LeaseView): Json {
  return {
    name: lease.name,
    id: lease.id,
    kind: lease.kind,
    role: lease.role,
    follows_default: lease.followsDefault,
    created_at: isoInstant(lease.createdAt),
    expires_at: isoInstant(lease.expiresAt),
    last_used_at: isoInstant(lease.lastUsedAt),
    last_used_by: lease.lastUsedBy,
    holder_pid: lease.holderPid,
    socket: lease.socket,
    movable: lease.movable,
    guard: lease.grant && { until: isoInstant(lease.grant.until), request: lease.grant.request },
    temporary: lease.temporary && {
      until: isoInstant(lease.temporary.until),
      then_role: lease.temporary.thenRole,
      ...(lease.temporary.thenScope !== undefined && { then_scope: scopeJson(lease.temporary.thenScope) }),
    },
    scope: scopeJson(lease.scope ?? null),
    narrowed_by: lease.narrowedBy ?? null,
  };
}

/** `text`: in words. A policy is the JSON that AWS gets. */
export function scopeJson(scope: LeaseScope | null): Json | null {
  if (!scope) return null;
  const { readOnly = false, services = [], policy, policyArns = [], sessionSeconds } = scope;
  return {
    text: describeScope(scope),
    read_only: readOnly,
    services,
    policy: policy ?? null,
    policy_arns: policyArns,
    session_seconds: sessionSeconds ?? null,
  };
}

export function roleSummaryJson({ role, accountId, roleArn, expiration }: RoleSummary): Json {
  return { role, account_id: accountId, role_arn: roleArn, expiration: isoInstant(expiration) };
}

/** A lease with what a program needs to use it: the URL alone on stdout, so that it can be piped on. */
export function printAccess(
  { lease, token, leaseUrl, credentialsUrl, region }: LeaseAccess,
  { output }: CliContext,
): void {
  if (output.json) {
    output.printJson({
      lease: leaseJson(lease),
      token,
      lease_url: leaseUrl,
      credentials_url: credentialsUrl,
      region,
    });
    return;
  }
  output.print(leaseUrl);
  if (lease.socket !== null) {
    output.hint(
      `brokerctl forward --socket ${shellQuote(lease.socket)} -- CMD    # in a container or network namespace`,
    );
  } else if (lease.name !== null) output.hint(`eval "$(brokerctl env --lease ${lease.name})"`);
}
