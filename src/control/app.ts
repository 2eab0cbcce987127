import express, { type Express, type NextFunction, type Request, type Response } from "express";
import {
  CONTROL_PREFIX,
  type ControlOperation,
  type ControlResponse,
  VERSION_HEADER,
} from "../control-api/contract.js";
import { BrokerError, type BrokerErrorCode, toBrokerError } from "../core/errors.js";
import { callerOf } from "./caller.js";
import type { ControlServices } from "./control-services.js";
import { auditHandlers } from "./handlers/audit-handlers.js";
import { configHandlers } from "./handlers/config-handlers.js";
import { confirmHandler } from "./handlers/confirm-handler.js";
import { credentialsHandlers } from "./handlers/credentials-handlers.js";
import type { ControlCall, Handler, Handlers } from "./handlers/handler.js";
import { importHandlers } from "./handlers/import-handlers.js";
import { keyHandlers } from "./handlers/key-handlers.js";
import { lambdaHandlers } from "./handlers/lambda-handlers.js";
import { leaseHandlers } from "./handlers/lease-handlers.js";
import { loginHandlers } from "./handlers/login-handlers.js";
import { moveHandlers } from "./handlers/move-handlers.js";
import { requestHandlers } from "./handlers/request-handlers.js";
import { ssoHandlers } from "./handlers/sso-handlers.js";
import { statusHandlers } from "./handlers/status-handlers.js";
import { storeHandlers } from "./handlers/store-handlers.js";
import { onRecord } from "./on-record.js";
import { isOperation, parseRequest } from "./request-schemas.js";
import { controlError } from "./views.js";

/** A config of 1 MiB, escaped as JSON. */
const MAX_BODY = "4mb";

/** The control plane: `POST /v1/OPERATION` with a JSON object, over the unix socket only. */
export function createControlApp(services: ControlServices): Express {
  const handlers: Handlers = {
    ...statusHandlers(services),
    ...storeHandlers(services),
    ...configHandlers(services),
    ...keyHandlers(services),
    ...importHandlers(services),
    ...loginHandlers(services),
    ...ssoHandlers(services),
    ...credentialsHandlers(services),
    ...leaseHandlers(services),
    ...moveHandlers(services),
    ...confirmHandler(services),
    ...requestHandlers(services),
    ...lambdaHandlers(services),
    ...auditHandlers(services),
  };
  const app = express();
  app.disable("x-powered-by").disable("etag");
  app.use((_request, response, next) => {
    response.setHeader(VERSION_HEADER, services.daemon.version).setHeader("Cache-Control", "no-store");
    next();
  });
  app.use(refuseBrowsers);
  app.post(`${CONTROL_PREFIX}:operation`, express.json({ limit: MAX_BODY }), async (request, response) => {
    // config-reload answers the notes of its reload itself.
    if (request.params.operation !== "config-reload") await services.config.takeUpEdit();
    try {
      response.json(await dispatch(request, { handlers, services, call: callOf(request, response, services) }));
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

const MISSES: readonly BrokerErrorCode[] = ["RoleUnknown", "SourceUnknown"];

/** "No such role" would be false where the role is in an edited file that is not in force. */
function explainMiss(error: unknown, { config }: ControlServices): unknown {
  const problem = config.editProblem();
  if (!problem || !(error instanceof BrokerError) || !MISSES.includes(error.code)) return error;
  const message = `${error.message}; ${config.path} changed on disk and is not in force: ${problem.message}`;
  return new BrokerError("ConfigInvalid", message, { hint: "brokerctl config edit, then do it again", cause: error });
}

/** What every handler gets beside its request; what is known of the caller is added here. */
function callOf({ headers }: Request, response: Response, services: ControlServices): ControlCall {
  return { signal: abortedWith(response), caller: callerOf(headers, services) };
}

interface Dispatch {
  readonly handlers: Handlers;
  readonly services: ControlServices;
  readonly call: ControlCall;
}

async function dispatch({ params, body }: Request, parts: Dispatch): Promise<unknown> {
  const operation = params["operation"];
  if (isOperation(operation)) return run(operation, body as unknown, parts);
  throw new BrokerError("NotSupported", `this daemon has no operation ${String(operation)}`, {
    hint: "brokerctl restart",
  });
}

async function run<O extends ControlOperation>(
  operation: O,
  body: unknown,
  { handlers, services, call }: Dispatch,
): Promise<ControlResponse<O>> {
  const handler: Handler<O> = handlers[operation];
  const request = parseRequest(operation, body);
  return onRecord({ operation, request, caller: call.caller }, services, () => handler(request, call));
}

/** Aborts when the connection closes before the answer was sent. */
function abortedWith(response: Response): AbortSignal {
  const controller = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) controller.abort();
  });
  return controller.signal;
}

const STATUS: Partial<Record<BrokerErrorCode, number>> = {
  UsageInvalid: 400,
  RequestRefused: 403,
  GuardRefused: 403,
  LeasePinned: 403,
  RequestPending: 403,
  RequestDenied: 403,
  Conflict: 409,
  NotSupported: 501,
  InternalError: 500,
};

function answerError({ logger }: ControlServices) {
  // eslint-disable-next-line @typescript-eslint/max-params -- Express knows an error handler by its four parameters.
  return (thrown: unknown, request: Request, response: Response, next: NextFunction): void => {
    if (response.headersSent) return next(thrown);
    const error = fromBodyParser(thrown) ?? toBrokerError(thrown);
    if (error.code === "InternalError") logger.error({ path: request.path, err: thrown }, "control request failed");
    response.status(STATUS[error.code] ?? 422).json({ error: controlError(error) });
  };
}

/** express.json rejects with http-errors of 4xx: too large, not JSON, wrong charset. */
function fromBodyParser(thrown: unknown): BrokerError | undefined {
  if (!(thrown instanceof Error) || !("status" in thrown) || typeof thrown.status !== "number") return undefined;
  if (thrown.status === 413) return new BrokerError("UsageInvalid", "the control request is too large: at most 4 MiB");
  return thrown.status < 500 ? new BrokerError("UsageInvalid", "the control request is not a JSON object") : undefined;
}
