import type { ServerResponse } from "node:http";
import type { ErrorRequestHandler, RequestHandler, Response } from "express";
import type { ClientEvent } from "../audit/audit-event.js";
import type { AuditRecorder } from "../audit/audit-log.js";
import type { AuditOutcome } from "../core/audit-line.js";
import { type BrokerError, type EndpointErrorCode, toBrokerError } from "../core/errors.js";
import type { Lease } from "../core/lease.js";
import type { PeerVerdict } from "../system/peer-identity.js";
import { endpointError, statusOf } from "./error-status.js";

/** What goes on record of a request, as far as it came. */
export interface FetchNotes {
  readonly lease?: Lease;
  readonly role?: string | null;
  readonly peer?: PeerVerdict;
  readonly error?: BrokerError & { readonly code: EndpointErrorCode };
  /** When AWS ends what was served. */
  readonly until?: number;
}

/** Puts each request on record once its answer has left, so that no client waits for it; never the URL, which may hold a token. */
export function recordFetches(audit: AuditRecorder): RequestHandler {
  return (_request, response, next) => {
    response.once("close", () => {
      const notes = notesOf(response);
      const { lease, role, error, peer, until } = notes;
      const code = error?.code;
      if (!lease && !code) return; // healthz
      const outcome = outcomeOf(response, notes);
      const asker = { peer: peer && "peer" in peer ? peer.peer : undefined };
      const event = outcome === "refused" ? "refused" : "fetch";
      audit.record({
        event,
        outcome,
        code,
        error,
        lease,
        role,
        ...asker,
        until: outcome === "served" ? until : undefined,
      });
    });
    next();
  };
}

/** Puts on record what needed no notes, once it has left; the same object for the same again is the cheapest to count. */
export function recordServed(audit: AuditRecorder, response: ServerResponse, served: ClientEvent): void {
  response.once("close", () => {
    audit.record(response.writableFinished ? served : { ...served, outcome: "abandoned", until: undefined });
  });
}

/** Keeps what is found out about a request with its response, for `recordFetches`. */
export function noteFetch(response: Response, found: FetchNotes): void {
  Object.assign(notesOf(response), found);
}

/** Stands before the error handler, which answers. */
// eslint-disable-next-line @typescript-eslint/max-params -- Express tells error handlers by their four parameters
export const noteFailure: ErrorRequestHandler = (thrown, _request, response, next) => {
  noteFetch(response, { error: endpointError(toBrokerError(thrown)) });
  next(thrown);
};

/** refused: 403. failed: 400 or 503. abandoned: the client was gone before the answer had left. */
function outcomeOf(response: Response, { error, peer }: FetchNotes): AuditOutcome {
  if (!response.writableFinished || peer?.kind === "gone") return "abandoned";
  if (error === undefined) return "served";
  return statusOf(error.code) === 403 ? "refused" : "failed";
}

function notesOf(response: Response): FetchNotes {
  const locals = response.locals as { fetch?: FetchNotes };
  return (locals.fetch ??= {});
}
