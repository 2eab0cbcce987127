import type { Socket } from "node:net";
import express, { type Express, type Request, type RequestHandler } from "express";
import type { AuditRecorder } from "../audit/audit-log.js";
import { patienceLeft } from "../core/client-patience.js";
import type { HeldCredentials } from "../core/credentials.js";
import { BrokerError } from "../core/errors.js";
import type { Lease } from "../core/lease.js";
import { within } from "../core/within.js";
import type { RoleCredentials } from "../credentials/credentials-registry.js";
import { errorAnswer, errorHandler, sendJson } from "../http/json-answer.js";
import { requestGuard } from "../http/request-guard.js";
import type { LeaseLookup } from "../leases/lease-state.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import type { PeerIdentity, PeerVerdict } from "../system/peer-identity.js";
import { admitOwnUser } from "./admit-own-user.js";
import { renderCredentials } from "./credentials-body.js";
import { endpointError, statusOf } from "./error-status.js";
import { noteFailure, noteFetch, recordFetches } from "./fetch-record.js";

export interface EndpointAppOptions {
  readonly leases: LeaseLookup;
  readonly credentials: RoleCredentials;
  /** Whose the program at the other end is: a token is good for our user alone. */
  readonly peers: PeerIdentity;
  /** Looks whether the machine slept, before a client's credentials are asked for: the client may be the first to ask since. */
  readonly noticeResume: () => void;
  /** A role, or all of the config, is missing: takes up an edit of the file. True: it was taken up. Never rejects. */
  readonly takeUpEdit: () => Promise<boolean>;
  /** Why the config has no such role although its file names it; undefined: the file does not. */
  readonly whyMissing: (role: string) => BrokerError | undefined;
  readonly audit: AuditRecorder;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** All there is; matched against the raw target, so that nothing is reached by another spelling. */
const PATHS = /^\/(?:creds|healthz|lease\/brk_[A-Za-z0-9_-]{43})$/;

/**
 * The data plane: the container-credentials protocol of every AWS SDK (docs/clients.md). Which port is ours it learns from
 * each connection.
 */
export function createEndpointApp(options: EndpointAppOptions): Express {
  const { logger, audit } = options;
  const app = express();
  app.disable("x-powered-by").disable("etag").set("query parser", false);
  const route = credentialsRoute(options);
  // The order matters: nothing is looked up before the guard has passed the request.
  app.use(recordFetches(audit));
  app.use(requestGuard({ paths: PATHS }));
  // Any program may ask, once a connection: the next question needs a new one.
  app.get("/healthz", (_request, response) => void response.writeHead(204, { Connection: "close" }).end());
  app.get("/creds", route);
  app.get("/lease/:token", route);
  app.use(noteFailure);
  app.use(errorHandler({ logger, answerOf }));
  return app;
}

/** `GET /lease/TOKEN` and `GET /creds`: the credentials of the lease's role, from memory where they are held. */
function credentialsRoute(options: EndpointAppOptions): RequestHandler {
  const { leases, credentials, peers, noticeResume, clock } = options;
  const bodyOf = oncePerCredentials(renderCredentials);
  // A connection stays with its program. `peers` knows it too, but gives a promise, for which each GET would wait.
  const admitted = new WeakMap<Socket, PeerVerdict>();
  return async (request, response) => {
    const askedAt = clock.now();
    const waitedMs = (): number => clock.now() - askedAt;
    const lease = requireLease(request, leases);
    const role = leases.roleOf(lease);
    noteFetch(response, { lease, role });
    const peer = admitted.get(request.socket) ?? (await admitOwnUser(request.socket, response, peers));
    noteFetch(response, { peer });
    admitted.set(request.socket, peer);
    leases.touch(lease);
    if (role === null) throw noRole();
    noticeResume();
    requireGrant(lease, role, options);
    const held = await credentials
      .retrieve(role, waitedMs())
      .catch((error: unknown) => retrieveAnew({ role, error, waitedMs }, options));
    // Lease or grant may have been revoked while we waited: nothing leaves after that was acknowledged.
    requireGrant(requireLease(request, leases), role, options);
    noteFetch(response, { until: held.credentials.expiration });
    sendJson(response, { status: 200, body: bodyOf(held) });
  };
}

/** The role, or all of the config, may be there since the user edited the file, of which no program tells us. */
async function retrieveAnew(
  { role, error, waitedMs }: { readonly role: string; readonly error: unknown; readonly waitedMs: () => number },
  { credentials, takeUpEdit, whyMissing, clock }: EndpointAppOptions,
): Promise<HeldCredentials> {
  if (!isMiss(error)) throw error;
  try {
    const limitMs = patienceLeft(waitedMs());
    if (await within(takeUpEdit(), { clock, limitMs, late: stillTakenUp })) {
      return await credentials.retrieve(role, waitedMs());
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

/** The token as it is, or after a scheme: SDKs send the variable's value verbatim, users write `Bearer` before it. */
const AUTHORIZATION = /^(?:bearer +)?(\S+)$/i;

/**
 * The live lease whose token the request carries, in its path or in `Authorization`. The token is looked up by its
 * SHA-256, so that no comparison runs over the secret and its time tells nothing. Throws LeaseUnknown or LeaseEnded.
 */
function requireLease(request: Request, leases: LeaseLookup): Lease {
  const inPath = request.params["token"];
  // A leftover AWS_CONTAINER_AUTHORIZATION_TOKEN sends a header with the path form too: the path decides.
  const token = typeof inPath === "string" ? inPath : AUTHORIZATION.exec(request.headers.authorization ?? "")?.[1];
  if (token !== undefined) return leases.resolve(token);
  throw new BrokerError("LeaseUnknown", "the request has no lease token in Authorization", {
    hint: 'eval "$(brokerctl env --as header)"',
  });
}

/** A guarded role goes to leases that a person said yes to. One that there is not is the business of `retrieve`. */
function requireGrant(lease: Lease, role: string, { leases, credentials }: EndpointAppOptions): void {
  const condition = credentials.condition(role);
  if (condition) leases.requireGrant(lease, condition);
}

function noRole(): BrokerError {
  return new BrokerError("NoRole", "no role is chosen for this lease", { hint: "brokerctl use ROLE" });
}

function oncePerCredentials(render: (held: HeldCredentials) => string): (held: HeldCredentials) => string {
  const rendered = new WeakMap<HeldCredentials, string>();
  return (held) => {
    const body = rendered.get(held) ?? render(held);
    rendered.set(held, body);
    return body;
  };
}

function answerOf(thrown: BrokerError): ReturnType<typeof errorAnswer> {
  const error = endpointError(thrown);
  return errorAnswer(error, statusOf(error.code));
}
