import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response, Router } from "express";
import type { AccessOperations } from "../control-api/access-contract.js";
import type { ControlRequest, ControlResponse } from "../control-api/contract.js";
import type { GuardOperations } from "../control-api/guard-contract.js";
import { BrokerError, type BrokerErrorCode, toBrokerError } from "../core/errors.js";
import { visibleText } from "../core/visible-text.js";
import { sendJson } from "../http/json-answer.js";
import { abortedWith } from "../http/limited-server.js";
import type { Logger } from "../system/logger.js";

/** What a lease may be asked about, and ask for: operations of control that are about the caller's own lease. */
export type LeaseOperation = keyof AccessOperations | keyof Pick<GuardOperations, "request-create">;

/** Runs one for the socket's lease, checked and put on record as control does. */
export type AskForLease = <O extends LeaseOperation>(
  operation: O,
  body: unknown,
  signal: AbortSignal,
) => Promise<ControlResponse<O>>;

export interface AccessRoutesOptions {
  readonly ask: AskForLease;
  /** Before anything is looked up. */
  readonly guard: RequestHandler;
  readonly logger: Logger;
}

/** A role, a reason of 2,000 characters, a duration. */
const MAX_BODY = "16kb";
export const ACCESS_GETS = /^\/(?:scope|roles|request\/[a-z2-7]{6})$/;
export const ACCESS_POSTS = /^\/(?:preview|request|release)$/;

/** `GET /scope`, `/roles`, `/request/ID`; `POST /preview`, `/request`, `/release`: the lease of the socket, and no other. */
export function accessRoutes({ ask, guard, logger }: AccessRoutesOptions): Router {
  const router = Router();
  router.use(guard);
  const answer = (operation: LeaseOperation, bodyOf: (request: Request) => unknown) => {
    return async (request: Request, response: Response): Promise<void> => {
      const body = JSON.stringify(await ask(operation, bodyOf(request), abortedWith(response)));
      sendJson(response, { status: 200, body });
    };
  };
  const json = express.json({ limit: MAX_BODY });
  // Of the body alone: who speaks here knows no role but those that rules name.
  const byRules = { byRules: true } satisfies ControlRequest<"request-roles">;
  router.get(
    "/scope",
    answer("lease-own", () => ({})),
  );
  router.get(
    "/roles",
    answer("request-roles", () => byRules),
  );
  router.post(
    "/preview",
    json,
    answer("request-preview", (request) => ({ ...fieldsOf(request), ...byRules })),
  );
  router.post("/request", json, answer("request-create", fieldsOf));
  router.get(
    "/request/:id",
    answer("request-status", ({ params, headers }) => ({ id: params["id"], ...waitOf(headers["prefer"]) })),
  );
  router.post("/release", json, answer("request-release", fieldsOf));
  router.use(answerError(logger));
  return router;
}

/** A JSON object; what is in it is checked with the operation. */
function fieldsOf(request: Request): object {
  const body: unknown = request.body;
  if (typeof body === "object" && body !== null && !("byRules" in body)) return body;
  throw new BrokerError("UsageInvalid", "the body must be a JSON object, of type application/json");
}

/** RFC 7240 §4.3: `Prefer: wait=30`. */
function waitOf(prefer: string | string[] | undefined): { readonly waitSeconds?: number } {
  const seconds = /(?:^|[,;\s])wait=(\d{1,3})(?:$|[,;\s])/i.exec(String(prefer ?? ""))?.[1];
  return seconds === undefined ? {} : { waitSeconds: Number(seconds) };
}

const STATUS: Partial<Record<BrokerErrorCode, number>> = {
  UsageInvalid: 400,
  Conflict: 409,
  InternalError: 500,
};

/** What it is and what helps, as control answers it; a role that there is not is not told from one that is near. */
function answerError(logger: Logger): ErrorRequestHandler {
  // eslint-disable-next-line @typescript-eslint/max-params -- Express tells error handlers by their four parameters
  return (thrown: unknown, request, response, next) => {
    if (response.headersSent) {
      next(thrown);
      return;
    }
    const error = withoutNames(fromBodyParser(thrown) ?? toBrokerError(thrown));
    if (error.code === "InternalError") logger.error({ path: request.path, err: thrown }, "a lease's request failed");
    const { code, message, hint } = error;
    const body = { code, message: visibleText(message), ...(hint !== undefined && { hint }) };
    sendJson(response, { status: STATUS[code] ?? 403, body: JSON.stringify(body) });
  };
}

function withoutNames(error: BrokerError): BrokerError {
  if (error.code !== "RoleUnknown") return error;
  return new BrokerError("RoleUnknown", "there is no such role that this lease could request", {
    hint: "brokerctl requests --all    # by its user",
    cause: error,
  });
}

function fromBodyParser(thrown: unknown): BrokerError | undefined {
  const isHttp = thrown instanceof Error && "status" in thrown && typeof thrown.status === "number";
  return isHttp && (thrown.status as number) < 500
    ? new BrokerError("UsageInvalid", `the body must be a JSON object of at most ${MAX_BODY}`)
    : undefined;
}
