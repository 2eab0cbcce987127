import type { IncomingMessage, RequestListener } from "node:http";
import express, { type NextFunction, type Request, type Response } from "express";
import type { AuditRecorder } from "../audit/audit-log.js";
import type { PageOperationsRun } from "../control/page/page-operations.js";
import { controlStatus } from "../control-api/error-status.js";
import {
  API_PREFIX,
  EVENTS_PATH,
  LINK_HEADER,
  PAGE_HEADER,
  type PageFailure,
  type PageFindings,
  type PageSession as PageSecret,
  SESSION_PATH,
} from "../control-api/page-contract.js";
import { BrokerError, toBrokerError } from "../core/errors.js";
import { abortedWith } from "../http/limited-server.js";
import { peerRefusal } from "../http/peer-refusal.js";
import { requestGuard } from "../http/request-guard.js";
import type { Logger } from "../system/logger.js";
import type { Peer, PeerIdentity } from "../system/peer-identity.js";
import { type EventStreams, MOST_STREAMS } from "./event-streams.js";
import type { PageFiles } from "./page-files.js";
import type { PageSession, PageSessions } from "./page-sessions.js";

export interface PageAppOptions {
  readonly files: PageFiles;
  readonly sessions: PageSessions;
  readonly streams: EventStreams;
  readonly operations: PageOperationsRun;
  /** Whose the browser is: a secret is good for our user alone. */
  readonly peers: PeerIdentity;
  readonly audit: AuditRecorder;
  readonly logger: Logger;
  /** Of sessions or streams. */
  readonly onChanged: () => void;
}

/** Without `unsafe-`, and nothing from elsewhere; no frame holds the page, and no script of it can make markup of a text. */
const POLICY = [
  ...["default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'", "connect-src 'self'"],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
  ...["require-trusted-types-for 'script'", "trusted-types 'none'"],
].join("; ");

const HEADERS = {
  "Content-Security-Policy": POLICY,
  "X-Frame-Options": "DENY",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  // Other ports of this host are of the same site: without it a page of one may share the process, and what is in its memory.
  "Origin-Agent-Cluster": "?1",
  "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
  "Cache-Control": "no-store",
};

/** A policy of 64 KB, escaped as JSON. */
const MAX_BODY = "512kb";
const HINT = "brokerctl ui";
const NONE_FOUND: PageFindings = { at: 0, findings: [] };
/** Which of them there are, the app says. */
const GETS = /^\/[a-z0-9.-]*$/;
const POSTS = /^\/(?:session|api\/[a-z-]{1,40})$/;

/** What is known of a request before it is answered. */
interface Known {
  readonly peer: Peer | undefined;
  /** Of an operation: whose it is. */
  readonly session?: PageSession;
}

/**
 * The page, and what it asks. The order matters: who asks, and from where, is known before a secret is looked at, and the secret
 * before a body is read.
 */
export function createPageApp(options: PageAppOptions): RequestListener {
  const { files, peers, onChanged } = options;
  const known = new WeakMap<IncomingMessage, Known>();
  const peerOf = (request: Request): Peer | undefined => known.get(request)?.peer;
  const app = express();
  app.disable("x-powered-by").disable("etag").set("query parser", false);
  app.set("case sensitive routing", true).set("strict routing", true);
  app.use((_request, response, next) => {
    response.set(HEADERS);
    next();
  });
  app.use(requestGuard({ paths: GETS, posts: POSTS, hosts: ["127.0.0.1"], ownPage: true, hint: HINT }));
  app.use(async (request, _response, next) => {
    const verdict = await peers.of(request.socket);
    known.set(request, { peer: "peer" in verdict ? verdict.peer : undefined });
    next(peerRefusal(verdict));
  });
  app.post(SESSION_PATH, (request, response) => {
    response.json(startSession(request, peerOf(request), options));
    onChanged();
  });
  app.get(EVENTS_PATH, (request, response) => {
    openStream(request, response, options);
    onChanged();
  });
  app.get(/.*/, (request, response) => {
    const file = files.get(request.url);
    if (file) response.type(file.type).send(file.body);
    else
      response
        .status(404)
        .json(failureOf(new BrokerError("UsageInvalid", "the page has no such file", { hint: HINT })));
  });
  app.post(
    `${API_PREFIX}:operation`,
    (request, _response, next) => {
      known.set(request, { peer: peerOf(request), session: requireSession(request, options) });
      next();
    },
    express.json({ limit: MAX_BODY, inflate: false }),
    async (request, response) => {
      const { peer, session } = known.get(request) ?? {};
      const caller = { isPage: true, peer } as const;
      const call = { signal: abortedWith(response), caller, findings: session?.findings ?? NONE_FOUND };
      response.json(await options.operations.run(operationOf(request), request.body as unknown, call));
    },
  );
  app.use(answerError(options, peerOf));
  return app;
}

/** The link is spent before the answer leaves: of two that come at once one gets a session. */
function startSession({ headers }: Request, peer: Peer | undefined, { sessions, audit }: PageAppOptions): PageSecret {
  const link = headers[LINK_HEADER];
  const secret = typeof link === "string" ? sessions.redeem(link) : undefined;
  if (secret === undefined) {
    throw new BrokerError("RequestRefused", "this link was used already, or is too old", { hint: HINT });
  }
  audit.record({ event: "page-opened", outcome: "done", caller: { isPage: true, peer }, detail: "in a browser" });
  return { secret };
}

function requireSession({ headers }: Request, { sessions }: PageAppOptions): PageSession {
  const secret = headers[PAGE_HEADER];
  const session = typeof secret === "string" ? sessions.find(secret) : undefined;
  if (session) return session;
  throw new BrokerError("RequestRefused", "this is not, or no longer, a page of this brokerd", { hint: HINT });
}

function openStream(request: Request, response: Response, options: PageAppOptions): void {
  const session = requireSession(request, options);
  const { streams } = options;
  if (streams.isFull)
    throw new BrokerError("Conflict", `too many pages are open: ${MOST_STREAMS} at most`, {
      hint: "close tabs with it",
    });
  streams.add(response, session);
}

function operationOf(request: Request): string {
  const { operation } = request.params;
  if (request.is("application/json") !== "application/json" || typeof operation !== "string") {
    throw new BrokerError("UsageInvalid", "a page sends application/json");
  }
  return operation;
}

function failureOf({ code, message, hint }: BrokerError): PageFailure {
  return { error: { code, message, ...(hint !== undefined && { hint }) } };
}

function answerError({ logger, audit }: PageAppOptions, peerOf: (request: Request) => Peer | undefined) {
  // eslint-disable-next-line @typescript-eslint/max-params -- Express knows an error handler by its four parameters.
  return (thrown: unknown, request: Request, response: Response, next: NextFunction): void => {
    if (response.headersSent) return next(thrown);
    const error = ofBodyParser(thrown) ?? toBrokerError(thrown);
    if (error.code === "InternalError") logger.error({ path: request.path, err: thrown }, "a page was not answered");
    // What control refuses it has put on record itself.
    if (error.code === "RequestRefused") {
      audit.record({
        event: "refused",
        outcome: "refused",
        code: error.code,
        error,
        peer: peerOf(request),
        caller: { isPage: true },
      });
      response.setHeader("Connection", "close");
    }
    response.status(controlStatus(error.code)).json(failureOf(error));
  };
}

/** express.json rejects with http-errors of 4xx: too large, not JSON, wrong charset. */
function ofBodyParser(thrown: unknown): BrokerError | undefined {
  if (!(thrown instanceof Error) || !("status" in thrown) || typeof thrown.status !== "number") return undefined;
  if (thrown.status === 413) return new BrokerError("UsageInvalid", "what the page sent is too large: at most 512 KiB");
  return thrown.status < 500 ? new BrokerError("UsageInvalid", "what the page sent is no JSON object") : undefined;
}
