import type { RequestListener } from "node:http";
import express, { type RequestHandler } from "express";
import type { AuditRecorder } from "../audit/audit-log.js";
import { BrokerError } from "../core/errors.js";
import type { Lease } from "../core/lease.js";
import { NETWORK_HEADER, REGION_HEADER } from "../core/lease-socket.js";
import { type CredentialsAsked, credentialsRoute } from "../endpoint/credentials-route.js";
import { endpointAnswer } from "../endpoint/error-status.js";
import { noteFailure, recordFetches } from "../endpoint/fetch-record.js";
import { errorHandler } from "../http/json-answer.js";
import { requestGuard } from "../http/request-guard.js";
import type { Logger } from "../system/logger.js";
import { ACCESS_GETS, ACCESS_POSTS, type AskForLease, accessRoutes } from "./access-routes.js";

/** Beside those of `access-routes`. */
const PATHS = /^\/creds$/;
const HINT = "brokerctl forward --socket PATH -- CMD";

export interface LeaseSocketOptions extends CredentialsAsked {
  /** What the lease may ask for itself. */
  readonly ask: AskForLease;
  /** The one lease that is served, as it stands now; throws LeaseEnded where it has ended. */
  readonly lease: () => Lease;
  /** Of the role, where the config names one. */
  readonly regionOf: (role: string) => string | null;
  /** The network namespace of brokerd, see system/network-namespace. */
  readonly network: string | null;
  readonly audit: AuditRecorder;
  readonly logger: Logger;
}

/**
 * One lease over a unix socket: the endpoint's answers, without a token. Who can connect is who may, which the socket's
 * mode and its directory decide; nothing in a request chooses another lease.
 */
export function createLeaseSocketApp(options: LeaseSocketOptions): RequestListener {
  const { lease, leases, regionOf, network, audit, logger } = options;
  const app = express();
  app.disable("x-powered-by").disable("etag").set("query parser", false);
  const access = accessRoutes({ ...options, guard: accessGuard(options) });
  app.use((request, response, next) => {
    const isAccess = ACCESS_GETS.test(request.url) || ACCESS_POSTS.test(request.url);
    if (isAccess) access(request, response, next);
    else next();
  });
  // The order matters: nothing is looked up before the guard has passed the request.
  app.use(recordFetches(audit));
  app.use(requestGuard({ paths: PATHS, hint: HINT }));
  app.use((_request, response, next) => {
    const role = leases.roleOf(lease());
    const region = role === null ? null : regionOf(role);
    if (region !== null) response.setHeader(REGION_HEADER, region);
    if (network !== null) response.setHeader(NETWORK_HEADER, network);
    next();
  });
  app.get("/creds", credentialsRoute({ ...options, leaseOf: lease }));
  app.use(noteFailure);
  app.use(errorHandler({ logger, answerOf: endpointAnswer }));
  return app;
}

/** As for credentials; what it refuses is on record, what is asked is put there by control. */
function accessGuard({ lease, audit }: Pick<LeaseSocketOptions, "lease" | "audit">): RequestHandler {
  const guard = requestGuard({ paths: ACCESS_GETS, posts: ACCESS_POSTS, hint: HINT });
  return (request, response, next) => {
    guard(request, response, (refusal?: unknown) => {
      if (refusal instanceof BrokerError) {
        const { code } = refusal;
        audit.record({ event: "refused", outcome: "refused", code, error: refusal, lease: lease() });
      }
      next(refusal);
    });
  };
}
