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
  /** Those that take a POST with a body instead, of a known length. */
  readonly posts?: RegExp;
  /** Those that take a PUT without a body instead. */
  readonly puts?: RegExp;
  /** What Host names, with the port or without; absent: loopback. */
  readonly hosts?: readonly string[];
  /** A page of ours is served there, to a browser: what comes from another origin is refused, and cookies, which are of every port, pass. */
  readonly ownPage?: true;
  /** What to do instead; absent: to ask the endpoint as `env` says. */
  readonly hint?: string;
}

/**
 * Refuses what no SDK sends and a browser, a proxy or a server that was tricked does: before
 * any routing, and whatever token the request carries. Passes the request, or gives the error for it.
 */
export function requestRefusal(request: GuardedRequest, rules: GuardRules): BrokerError | undefined {
  const { hosts = OUR_NAMES, hint = USE_OUR_URL, ownPage } = rules;
  const writes = otherThanGet(request, rules);
  const checks = writes === "POST" ? POST_CHECKS : CHECKS;
  const objection = objectionTo(request, { checks: ownPage ? checks.map(forOwnPage) : checks, hosts });
  if (objection !== undefined) return new BrokerError("RequestRefused", objection, { hint });
  if (writes !== undefined) return undefined;
  // The method decides nothing about who may; but there is nothing to be had by another one.
  if (request.method !== "GET") return nothingThere("only GET is answered", { hint, ownPage });
  if (rules.paths.test(request.url ?? "")) return undefined;
  return nothingThere("no lease has this path", { hint, ownPage });
}

function nothingThere(
  message: string,
  { hint, ownPage }: { readonly hint: string; readonly ownPage: true | undefined },
): BrokerError {
  if (ownPage) return new BrokerError("RequestRefused", "the page has no such path", { hint });
  return new BrokerError("LeaseUnknown", message, { hint });
}

/** Of a path that takes it. */
function otherThanGet({ method, url = "" }: GuardedRequest, { posts, puts }: GuardRules): "POST" | "PUT" | undefined {
  if (method === "POST" && posts?.test(url) === true) return "POST";
  return method === "PUT" && puts?.test(url) === true ? "PUT" : undefined;
}

interface Applied {
  readonly checks: readonly Check[];
  readonly hosts: readonly string[];
}

function objectionTo(request: GuardedRequest, { checks, hosts }: Applied): string | undefined {
  return checks.map((check) => check(request, hosts)).find((found) => found !== undefined);
}

/** What the guard looks at of a request. */
export function guarded({ httpVersion, method, url, rawHeaders, socket }: IncomingMessage): GuardedRequest {
  return { httpVersion, method, url, fields: headerFields(rawHeaders), localPort: socket.localPort };
}

/** The guard as a handler, before any that looks something up. A refused connection is closed: nothing else on it is worth reading. */
export function requestGuard(rules: GuardRules): RequestHandler {
  return (request, response, next) => {
    const refusal = requestRefusal(guarded(request), rules);
    if (refusal) response.setHeader("Connection", "close");
    next(refusal);
  };
}

const USE_OUR_URL = 'eval "$(brokerctl env)"';

/** What is wrong with a request; undefined: nothing that this check knows of. */
type Check = (request: GuardedRequest, hosts: readonly string[]) => string | undefined;

/** Cheap ones first; the order is also which objection is told. */
const CHECKS: readonly Check[] = [wrongVersion, foreignHost, throughBrowser, throughProxy, withBody, twoTokens];

const POST_CHECKS = CHECKS.map((check) => (check === withBody ? withEndlessBody : check));

function wrongVersion({ httpVersion }: GuardedRequest): string | undefined {
  return httpVersion === "1.1" ? undefined : "only HTTP/1.1 is answered";
}

/**
 * DNS rebinding makes a foreign page same-origin with us, without any Origin header: the Host names the page. Compared
 * with a fixed list, never by resolving names. The AWS CRT sends no port (docs/clients.md).
 */
function foreignHost({ fields, localPort }: GuardedRequest, hosts: readonly string[]): string | undefined {
  const [host, ...more] = fields["host"] ?? [];
  if (host === undefined || more.length > 0) return "a request has exactly one Host";
  const ports = localPort === undefined ? [""] : ["", `:${localPort}`];
  const ours = hosts.some((name) => ports.some((port) => host.toLowerCase() === name + port));
  return ours ? undefined : "the Host is not ours";
}

const OUR_NAMES = ["127.0.0.1", "localhost", "[::1]"];

function forOwnPage(check: Check): Check {
  return check === throughBrowser ? fromOtherOrigin : check;
}

/**
 * A browser sends Origin with each POST, and Sec-Fetch-Site with all that it asks a loopback address (Safari: not); `none` is a person who
 * opens the page. Of `fields`, so that two of one header are no way around.
 */
function fromOtherOrigin({ fields, localPort }: GuardedRequest, hosts: readonly string[]): string | undefined {
  const ours = hosts.map((name) => `http://${name}:${localPort ?? 0}`);
  const isOurs = (origin: string): boolean => ours.includes(origin);
  if (!(fields["origin"] ?? []).every(isOurs)) return "the Origin is not ours";
  if (!(fields["referer"] ?? []).every((url) => ours.some((origin) => url.startsWith(`${origin}/`)))) {
    return "the Referer is not ours";
  }
  const sites = fields["sec-fetch-site"] ?? [];
  return sites.every((site) => site === "none" || site === "same-origin") ? undefined : "another site's page asks";
}

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

function withEndlessBody({ fields }: Pick<GuardedRequest, "fields">): string | undefined {
  const header = ["transfer-encoding", "upgrade", "expect"].find((name) => name in fields);
  return header === undefined ? undefined : `a request with ${header} is not answered`;
}

function withBody({ fields }: GuardedRequest): string | undefined {
  const endless = withEndlessBody({ fields });
  if (endless !== undefined) return endless;
  const lengths = fields["content-length"] ?? [];
  return lengths.every((length) => /^0+$/.test(length)) ? undefined : "a request with a body is not answered";
}

/** Node takes the first of two, another parser the last. */
function twoTokens({ fields }: GuardedRequest): string | undefined {
  return (fields["authorization"] ?? []).length > 1 ? "a request has at most one Authorization" : undefined;
}
