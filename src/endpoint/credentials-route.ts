import type { Request, RequestHandler, Response } from "express";
import { patienceLeft } from "../core/client-patience.js";
import type { HeldCredentials } from "../core/credentials.js";
import { BrokerError } from "../core/errors.js";
import type { Lease } from "../core/lease.js";
import type { LeaseScope } from "../core/lease-scope.js";
import { isSameScope } from "../core/scope-digest.js";
import { noRole } from "../core/unknown-role.js";
import { within } from "../core/within.js";
import type { RoleCredentials } from "../credentials/credentials-registry.js";
import { sendJson } from "../http/json-answer.js";
import type { LeaseLookup } from "../leases/lease-state.js";
import type { Clock } from "../system/clock.js";
import type { PeerVerdict } from "../system/peer-identity.js";
import { renderCredentials } from "./credentials-body.js";
import { noteFetch } from "./fetch-record.js";

/** What is asked for credentials, of one lease or of all. */
export interface CredentialsAsked {
  readonly leases: Pick<LeaseLookup, "roleOf" | "requireGrant" | "touch">;
  readonly credentials: Pick<RoleCredentials, "retrieve" | "condition">;
  /** Looks whether the machine slept, before a client's credentials are asked for: the client may be the first to ask since. */
  readonly noticeResume: () => void;
  /** A role, or all of the config, is missing: takes up an edit of the file. True: it was taken up. Never rejects. */
  readonly takeUpEdit: () => Promise<boolean>;
  /** Why the config has no such role although its file names it; undefined: the file does not. */
  readonly whyMissing: (role: string) => BrokerError | undefined;
  readonly clock: Clock;
}

export interface CredentialsRouteOptions extends CredentialsAsked {
  /** The live lease that the request is for; asked again after a wait. Throws LeaseUnknown or LeaseEnded. */
  readonly leaseOf: (request: Request) => Lease;
  /** Who is at the other end, as far as that is known; rejects where they get nothing. */
  readonly admit?: (request: Request, response: Response) => Promise<PeerVerdict>;
}

/** The credentials of a lease's role, from memory where they are held. */
export function credentialsRoute(options: CredentialsRouteOptions): RequestHandler {
  const { leases, credentials, leaseOf, admit, noticeResume, clock } = options;
  return async (request, response) => {
    const askedAt = clock.now();
    const waitedMs = (): number => clock.now() - askedAt;
    const lease = leaseOf(request);
    const role = leases.roleOf(lease);
    noteFetch(response, { lease, role });
    if (admit) noteFetch(response, { peer: await admit(request, response) });
    leases.touch(lease);
    if (role === null) throw noRole();
    noticeResume();
    requireGrant(lease, role, options);
    const held = await credentials
      .retrieve(role, { scope: lease.scope, waitedMs: waitedMs() })
      .catch((error: unknown) => retrieveAnew({ role, scope: lease.scope, error, waitedMs }, options));
    // Lease, grant or scope may have been taken back while we waited: nothing leaves after that was acknowledged.
    const still = leaseOf(request);
    if (!isSameScope(still.scope, lease.scope)) throw scopeChanged();
    requireGrant(still, role, options);
    noteFetch(response, { until: held.credentials.expiration });
    sendJson(response, { status: 200, body: renderCredentials(held) });
  };
}

interface Missed {
  readonly role: string;
  readonly scope: LeaseScope | undefined;
  readonly error: unknown;
  readonly waitedMs: () => number;
}

/** The role, or all of the config, may be there since the user edited the file, of which no program tells us. */
async function retrieveAnew(
  { role, scope, error, waitedMs }: Missed,
  { credentials, takeUpEdit, whyMissing, clock }: CredentialsAsked,
): Promise<HeldCredentials> {
  if (!isMiss(error)) throw error;
  try {
    const limitMs = patienceLeft(waitedMs());
    if (await within(takeUpEdit(), { clock, limitMs, late: stillTakenUp })) {
      return await credentials.retrieve(role, { scope, waitedMs: waitedMs() });
    }
    throw error;
  } catch (missed) {
    throw isMiss(missed) ? (whyMissing(role) ?? missed) : missed;
  }
}

function isMiss(error: unknown): boolean {
  return error instanceof BrokerError && ["RoleUnknown", "ConfigInvalid"].includes(error.code);
}

/** Opening the secret store may take longer than a client can wait: it goes on, and the next request finds it done. */
function stillTakenUp(): BrokerError {
  return new BrokerError("CredentialsPending", "an edit of the config is still being taken up", {
    hint: "brokerctl status",
  });
}

/** A guarded role goes to leases that a person said yes to. One that there is not is the business of `retrieve`. */
function requireGrant(lease: Lease, role: string, { leases, credentials }: CredentialsAsked): void {
  const condition = credentials.condition(role, lease.scope);
  if (condition) leases.requireGrant(lease, condition);
}

/** What was fetched is what the lease had: what it has now is to be asked for. */
function scopeChanged(): BrokerError {
  return new BrokerError("CredentialsPending", "what narrows the lease has just changed", {
    hint: "brokerctl lease list",
  });
}
