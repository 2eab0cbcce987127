import type { RequestListener } from "node:http";
import express, { type Express, type Request } from "express";
import type { AuditRecorder } from "../audit/audit-log.js";
import { BrokerError } from "../core/errors.js";
import type { Lease } from "../core/lease.js";
import type { RoleCredentials } from "../credentials/credentials-registry.js";
import { errorHandler } from "../http/json-answer.js";
import { requestGuard } from "../http/request-guard.js";
import type { LeaseLookup } from "../leases/lease-state.js";
import type { Logger } from "../system/logger.js";
import type { PeerIdentity } from "../system/peer-identity.js";
import { admitOwnUser } from "./admit-own-user.js";
import { type CredentialsAsked, credentialsRoute } from "./credentials-route.js";
import { endpointAnswer } from "./error-status.js";
import { noteFailure, recordFetches } from "./fetch-record.js";
import { FromMemory } from "./from-memory.js";
import { ENDPOINT_PATHS, leaseTokenOf } from "./lease-token.js";

export interface EndpointAppOptions extends CredentialsAsked {
  readonly leases: LeaseLookup;
  readonly credentials: RoleCredentials;
  /** Whose the program at the other end is: a token is good for our user alone. */
  readonly peers: PeerIdentity;
  readonly audit: AuditRecorder;
  readonly logger: Logger;
  /** False: the app answers all, with the same bytes. */
  readonly fromMemory?: boolean | undefined;
}

/**
 * The data plane: the container-credentials protocol of every AWS SDK (docs/clients.md). Which port is ours it learns from
 * each connection. What is in memory is answered before the app, which is complete without that.
 */
export function createEndpointApp(options: EndpointAppOptions): RequestListener {
  const app = expressApp(options);
  if (options.fromMemory === false) return app;
  const fromMemory = new FromMemory(options);
  return (request, response) => {
    if (!fromMemory.answer(request, response)) app(request, response);
  };
}

function expressApp(options: EndpointAppOptions): Express {
  const { logger, audit, leases, peers } = options;
  const app = express();
  app.disable("x-powered-by").disable("etag").set("query parser", false);
  const route = credentialsRoute({
    ...options,
    leaseOf: (request) => requireLease(request, leases),
    admit: (request, response) => admitOwnUser(request.socket, response, peers),
  });
  // The order matters: nothing is looked up before the guard has passed the request.
  app.use(recordFetches(audit));
  app.use(requestGuard({ paths: ENDPOINT_PATHS }));
  // Any program may ask, once a connection: the next question needs a new one.
  app.get("/healthz", (_request, response) => void response.writeHead(204, { Connection: "close" }).end());
  app.get("/creds", route);
  app.get("/lease/:token", route);
  app.use(noteFailure);
  app.use(errorHandler({ logger, answerOf: endpointAnswer }));
  return app;
}

/**
 * The live lease whose token the request carries, in its path or in `Authorization`. The token is looked up by its
 * SHA-256, so that no comparison runs over the secret and its time tells nothing. Throws LeaseUnknown or LeaseEnded.
 */
function requireLease(request: Request, leases: LeaseLookup): Lease {
  const token = leaseTokenOf(request.url, request.headers.authorization);
  if (token !== undefined) return leases.resolve(token);
  throw new BrokerError("LeaseUnknown", "the request has no lease token in Authorization", {
    hint: 'eval "$(brokerctl env --as header)"',
  });
}
