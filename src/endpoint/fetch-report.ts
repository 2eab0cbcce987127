import type { ErrorRequestHandler, RequestHandler, Response } from "express";
import { type EndpointErrorCode, toBrokerError } from "../core/errors.js";
import type { Lease } from "../core/lease.js";
import type { Logger } from "../system/logger.js";
import { endpointError, statusOf } from "./error-status.js";

/** What became of one request for credentials. */
export interface EndpointFetch {
  /** undefined: refused before it was known. */
  readonly lease: Lease | undefined;
  /** null: none chosen, or not known. */
  readonly role: string | null;
  /** refused: 403. failed: 400 or 503. abandoned: the client was gone before the answer had left. */
  readonly outcome: "served" | "refused" | "failed" | "abandoned";
  readonly code: EndpointErrorCode | undefined;
}

interface Notes {
  lease?: Lease;
  role?: string | null;
  code?: EndpointErrorCode;
}

export interface FetchReportOptions {
  readonly logger: Logger;
  readonly onFetch: ((fetch: EndpointFetch) => void) | undefined;
}

/** Reports each request once its answer has left, so that nobody waits for it. The URL, which may be a token, is not in it. */
export function reportFetches({ logger, onFetch }: FetchReportOptions): RequestHandler {
  return (_request, response, next) => {
    response.once("close", () => {
      const { lease, role = null, code } = notesOf(response);
      if (!lease && !code) return; // healthz
      const fetch = { lease, role, outcome: outcomeOf(response, code), code };
      logger.debug({ ...fetch, lease: lease?.id }, "fetch");
      try {
        onFetch?.(fetch);
      } catch (err) {
        logger.error({ err }, "fetch not reported");
      }
    });
    next();
  };
}

export function noteFetch(response: Response, lease: Lease, role: string | null): void {
  Object.assign(notesOf(response), { lease, role } satisfies Notes);
}

/** Stands before the error handler, which answers. */
// eslint-disable-next-line @typescript-eslint/max-params -- Express tells error handlers by their four parameters
export const noteFailure: ErrorRequestHandler = (thrown, _request, response, next) => {
  notesOf(response).code = endpointError(toBrokerError(thrown)).code;
  next(thrown);
};

function outcomeOf(response: Response, code: EndpointErrorCode | undefined): EndpointFetch["outcome"] {
  if (!response.writableFinished) return "abandoned";
  if (code === undefined) return "served";
  return statusOf(code) === 403 ? "refused" : "failed";
}

function notesOf(response: Response): Notes {
  const locals = response.locals as { fetch?: Notes };
  return (locals.fetch ??= {});
}
