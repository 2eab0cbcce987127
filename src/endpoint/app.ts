import express, { type Express } from "express";
import type { RoleCredentials } from "../credentials/credentials-registry.js";
import { errorHandler } from "../http/error-handler.js";
import { errorAnswer } from "../http/json-answer.js";
import { requestGuard } from "../http/request-guard.js";
import type { LeaseLookup } from "../leases/lease-state.js";
import type { Logger } from "../system/logger.js";
import { credentialsRoute } from "./credentials-route.js";
import { endpointError, statusOf } from "./error-status.js";
import { type EndpointFetch, noteFailure, reportFetches } from "./fetch-report.js";

export interface EndpointAppOptions {
  readonly leases: LeaseLookup;
  readonly credentials: RoleCredentials;
  readonly logger: Logger;
  /** Told of every request but healthz, after its answer. */
  readonly onFetch?: (fetch: EndpointFetch) => void;
}

/** All there is; matched against the raw target, so that nothing is reached by another spelling. */
const PATHS = /^\/(?:creds|healthz|lease\/brk_[A-Za-z0-9_-]{43})$/;

/** The data plane (interface §3). Which port is ours it learns from each connection. */
export function createEndpointApp({ leases, credentials, logger, onFetch }: EndpointAppOptions): Express {
  const app = express();
  app.disable("x-powered-by").disable("etag").set("query parser", false);
  const route = credentialsRoute({ leases, credentials });
  // The order matters: nothing is looked up before the guard has passed the request.
  app.use(reportFetches({ logger, onFetch }));
  app.use(requestGuard({ paths: PATHS }));
  // Asked by anybody, and once: whoever wants it again connects again.
  app.get("/healthz", (_request, response) => void response.writeHead(204, { Connection: "close" }).end());
  app.get("/creds", route);
  app.get("/lease/:token", route);
  app.use(noteFailure);
  app.use(errorHandler({ logger, answerOf }));
  return app;
}

function answerOf(thrown: Parameters<typeof endpointError>[0]): ReturnType<typeof errorAnswer> {
  const error = endpointError(thrown);
  return errorAnswer(error, statusOf(error.code));
}
