import type { RequestView } from "../../control-api/guard-contract.js";
import { describeScope } from "../../core/lease-scope.js";
import { scopeJson } from "../terminal/views.js";
import { isoInstant } from "../terminal/when.js";

/** What `--json` prints of a request: snake_case fields, instants as whole-second UTC. */
export function requestJson(request: RequestView): Readonly<Record<string, unknown>> {
  return {
    id: request.id,
    state: request.state,
    lease: request.lease.label,
    lease_id: request.lease.id,
    role: request.role,
    scope: request.scope === "any" ? request.scope : scopeJson(request.scope),
    reason: request.reason,
    for_seconds: request.forSeconds,
    pid: request.pid,
    created_at: isoInstant(request.createdAt),
    decided_at: isoInstant(request.decidedAt),
    decided_by: request.decidedBy,
    until: isoInstant(request.until),
  };
}

/** What is asked for, in words. */
export function wishText({ role, scope }: Pick<RequestView, "role" | "scope">): string {
  return scope === "any" ? role : `${role} (${describeScope(scope)})`;
}
