import express, { type Express, type NextFunction, type Request, type Response } from "express";
import { CONTROL_PREFIX, VERSION_HEADER } from "../control-api/contract.js";
import { controlStatus } from "../control-api/error-status.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import { abortedWith } from "../http/limited-server.js";
import { callerOf } from "./caller.js";
import type { ControlServices } from "./control-services.js";
import { explainMiss } from "./explain-miss.js";
import type { ControlCall } from "./handlers/handler.js";
import { createOperations, type Operations } from "./operations.js";
import { isOperation } from "./request-schemas.js";
import { controlError } from "./views.js";

/** A config of 1 MiB, escaped as JSON. */
const MAX_BODY = "4mb";

/** They load the file themselves: one answers the notes of its reload, the other first has leases follow a rename. */
const RELOADS: readonly unknown[] = ["config-reload", "entry-renamed"];

/** The control plane: `POST /v1/OPERATION` with a JSON object, over the unix socket only. */
export function createControlApp(services: ControlServices, operations = createOperations(services)): Express {
  const app = express();
  app.disable("x-powered-by").disable("etag");
  app.use((_request, response, next) => {
    response.setHeader(VERSION_HEADER, services.daemon.version).setHeader("Cache-Control", "no-store");
    next();
  });
  app.use(refuseBrowsers);
  app.post(`${CONTROL_PREFIX}:operation`, express.json({ limit: MAX_BODY }), async (request, response) => {
    if (!RELOADS.includes(request.params.operation)) await services.config.takeUpEdit();
    try {
      response.json(await dispatch(request, operations, callOf(request, response, services)));
    } catch (error) {
      throw explainMiss(error, services);
    }
  });
  app.use((request) => {
    throw new BrokerError("UsageInvalid", `no such control request: ${request.method} ${request.path}`);
  });
  app.use(answerError(services));
  return app;
}

/** No browser reaches a unix socket; what carries a browser's headers came through a proxy. */
function refuseBrowsers(request: Request, _response: Response, next: NextFunction): void {
  const { origin, referer, cookie } = request.headers;
  if (origin === undefined && referer === undefined && cookie === undefined) return next();
  throw new BrokerError("RequestRefused", "the control socket is not for browsers");
}

/** What every handler gets beside its request; what is known of the caller is added here. */
function callOf({ headers }: Request, response: Response, services: ControlServices): ControlCall {
  return { signal: abortedWith(response), caller: callerOf(headers, services) };
}

async function dispatch({ params, body }: Request, operations: Operations, call: ControlCall): Promise<unknown> {
  const operation = params["operation"];
  if (isOperation(operation)) return operations.run(operation, body as unknown, call);
  throw new BrokerError("NotSupported", `this daemon has no operation ${String(operation)}`, {
    hint: "brokerctl restart",
  });
}

function answerError({ logger }: ControlServices) {
  // eslint-disable-next-line @typescript-eslint/max-params -- Express knows an error handler by its four parameters.
  return (thrown: unknown, request: Request, response: Response, next: NextFunction): void => {
    if (response.headersSent) return next(thrown);
    const error = fromBodyParser(thrown) ?? toBrokerError(thrown);
    if (error.code === "InternalError") logger.error({ path: request.path, err: thrown }, "control request failed");
    response.status(controlStatus(error.code)).json({ error: controlError(error) });
  };
}

/** express.json rejects with http-errors of 4xx: too large, not JSON, wrong charset. */
function fromBodyParser(thrown: unknown): BrokerError | undefined {
  if (!(thrown instanceof Error) || !("status" in thrown) || typeof thrown.status !== "number") return undefined;
  if (thrown.status === 413) return new BrokerError("UsageInvalid", "the control request is too large: at most 4 MiB");
  return thrown.status < 500 ? new BrokerError("UsageInvalid", "the control request is not a JSON object") : undefined;
}
