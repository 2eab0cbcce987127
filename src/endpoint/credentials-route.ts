import type { RequestHandler } from "express";
import { BrokerError } from "../core/errors.js";
import type { RoleCredentials } from "../credentials/credentials-registry.js";
import { sendJson } from "../http/json-answer.js";
import type { LeaseLookup } from "../leases/lease-state.js";
import { credentialsRenderer } from "./credentials-body.js";
import { noteFetch } from "./fetch-report.js";
import { requireLease } from "./require-lease.js";

export interface CredentialsRouteOptions {
  readonly leases: LeaseLookup;
  readonly credentials: RoleCredentials;
}

/** `GET /lease/TOKEN` and `GET /creds`: the credentials of the lease's role, from memory where they are held. */
export function credentialsRoute({ leases, credentials }: CredentialsRouteOptions): RequestHandler {
  const bodyOf = credentialsRenderer();
  return async (request, response) => {
    const lease = requireLease(request, leases);
    const role = leases.roleOf(lease);
    noteFetch(response, lease, role);
    leases.touch(lease);
    if (role === null) throw noRole();
    const held = await credentials.retrieve(role);
    // It may have been revoked while we waited: nothing leaves after that was acknowledged.
    requireLease(request, leases);
    sendJson(response, { status: 200, body: bodyOf(held) });
  };
}

function noRole(): BrokerError {
  return new BrokerError("NoRole", "no role is chosen for this lease", { hint: "brokerctl use ROLE" });
}
