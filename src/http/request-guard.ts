import type { IncomingMessage } from "node:http";
import type { RequestHandler } from "express";
import { BrokerError } from "../core/errors.js";
import { type HeaderFields, headerFields } from "../core/header-fields.js";

/** What the guard looks at. */
export interface GuardedRequest extends Pick<IncomingMessage, "httpVersion" | "method" | "url"> {
  readonly fields: HeaderFields;
  /** The port of ours that was connected to; undefined when the connection is already gone. */
  readonly localPort: number | undefined;
}

export interface GuardRules {
  /** Every path there is, matched against the raw request target: no query, no encoding, no dot segments. */
  readonly paths: RegExp;
}

/**
 * Refuses what no SDK sends and a browser, a proxy or a server that was tricked does: before
 * any routing, and whatever token the request carries. Passes the request, or gives the error for it.
 */
export function requestRefusal(request: GuardedRequest, { paths }: GuardRules): BrokerError | undefined {
  const objection = CHECKS.map((check) => check(request)).find((found) => found !== undefined);
  if (objection !== undefined) return new BrokerError("RequestRefused", objection, { hint: USE_OUR_URL });
  // The method decides nothing about who may; but there is nothing to be had by another one.
  if (request.method !== "GET") return new BrokerError("LeaseUnknown", "only GET is answered", { hint: USE_OUR_URL });
  if (!paths.test(request.url ?? "")) {
    return new BrokerError("LeaseUnknown", "no lease has this path", { hint: USE_OUR_URL });
  }
  return undefined;
}

/** The guard as a handler, before any that looks something up. A refused connection is closed: nothing else on it is worth reading. */
export function requestGuard(rules: GuardRules): RequestHandler {
  return (request, response, next) => {
    const { httpVersion, method, url, socket } = request;
    const fields = headerFields(request.rawHeaders);
    const refusal = requestRefusal({ httpVersion, method, url, fields, localPort: socket.localPort }, rules);
    if (refusal) response.setHeader("Connection", "close");
    next(refusal);
  };
}

const USE_OUR_URL = 'eval "$(brokerctl env)"';

/** What is wrong with a request; undefined: nothing that this check knows of. */
type Check = (request: GuardedRequest) => string | undefined;

/** Cheap ones first; the order is also which objection is told. */
const CHECKS: readonly Check[] = [wrongVersion, foreignHost, throughBrowser, throughProxy, withBody, twoTokens];

function wrongVersion({ httpVersion }: GuardedRequest): string | undefined {
  return httpVersion === "1.1" ? undefined : "only HTTP/1.1 is answered";
}

/**
 * DNS rebinding makes a foreign page same-origin with us, without any Origin header: the Host names the page. Compared
 * with a fixed list, never by resolving names. The AWS CRT sends no port (docs/clients.md).
 */
function foreignHost({ fields, localPort }: GuardedRequest): string | undefined {
  const [host, ...more] = fields["host"] ?? [];
  if (host === undefined || more.length > 0) return "a request has exactly one Host";
  const ports = localPort === undefined ? [""] : ["", `:${localPort}`];
  const ours = OUR_NAMES.some((name) => ports.some((port) => host.toLowerCase() === name + port));
  return ours ? undefined : "the Host is not ours";
}

const OUR_NAMES = ["127.0.0.1", "localhost", "[::1]"];

/** Sec-Fetch-Mode passes: Node's own fetch sends it. */
function throughBrowser({ fields }: GuardedRequest): string | undefined {
  const header = ["origin", "referer", "cookie"].find((name) => name in fields);
  if (header !== undefined) return `a request with ${header} comes from a browser`;
  const sites = fields["sec-fetch-site"] ?? [];
  return sites.every((site) => site === "none") ? undefined : "a request with sec-fetch-site comes from a browser";
}

function throughProxy({ fields }: GuardedRequest): string | undefined {
  const header = Object.keys(fields).find(
    (name) => name === "forwarded" || name === "via" || name.startsWith("x-forwarded-"),
  );
  return header === undefined ? undefined : `a request with ${header} comes through a proxy`;
}

function withBody({ fields }: GuardedRequest): string | undefined {
  const header = ["transfer-encoding", "upgrade", "expect"].find((name) => name in fields);
  if (header !== undefined) return `a request with ${header} is not answered`;
  const lengths = fields["content-length"] ?? [];
  return lengths.every((length) => /^0+$/.test(length)) ? undefined : "a request with a body is not answered";
}

/** Node takes the first of two, another parser the last. */
function twoTokens({ fields }: GuardedRequest): string | undefined {
  return (fields["authorization"] ?? []).length > 1 ? "a request has at most one Authorization" : undefined;
}
