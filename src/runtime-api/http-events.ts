import { randomUUID } from "node:crypto";
import type { Clock } from "../system/clock.js";

/** url: of a function URL; v2: of an HTTP API, which has the same form; v1: of a REST API's proxy integration. */
export type HttpEventForm = "url" | "v1" | "v2";

/** An HTTP request as far as an event tells of it. */
export interface HttpRequest {
  readonly method: string;
  /** As it stands in the request line: `/a%20b?x=1`. */
  readonly target: string;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly sourceIp: string;
}

const STAGE = "$default";
const REST_STAGE = "local";
/** There is no account that the request belongs to. */
const ANONYMOUS = "anonymous";

/**
 * The event that the front in AWS makes of a request:
 * https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html#urls-payloads (url, v2) and
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html (v1).
 */
export function httpEvent(form: HttpEventForm, request: HttpRequest, clock: Pick<Clock, "now">): Buffer {
  return Buffer.from(JSON.stringify(form === "v1" ? restEvent(request, clock) : urlEvent(request, clock)));
}

function urlEvent(request: HttpRequest, clock: Pick<Clock, "now">): object {
  const { method, sourceIp } = request;
  const { path, query } = partsOf(request);
  const headers = valuesOf(request);
  const cookies = headers.get("cookie")?.flatMap((value) => value.split(/; */));
  const host = headers.get("host")?.[0] ?? "";
  const parameters = [...multi(query)].map(([name, values]) => [name, values.join(",")] as const);
  return {
    version: "2.0",
    routeKey: STAGE,
    rawPath: decodeURI(path),
    rawQueryString: query,
    ...(cookies && { cookies }),
    headers: Object.fromEntries([...headers].filter(([name]) => name !== "cookie").map(joined)),
    ...(parameters.length > 0 && { queryStringParameters: Object.fromEntries(parameters) }),
    requestContext: {
      accountId: ANONYMOUS,
      apiId: "local",
      domainName: host,
      domainPrefix: host.split(/[.:]/)[0],
      http: {
        method,
        path: decodeURI(path),
        protocol: "HTTP/1.1",
        sourceIp,
        userAgent: headers.get("user-agent")?.[0] ?? "",
      },
      requestId: randomUUID(),
      routeKey: STAGE,
      stage: STAGE,
      time: logTime(clock.now()),
      timeEpoch: clock.now(),
    },
    ...bodyOf(request, headers),
  };
}

function restEvent(request: HttpRequest, clock: Pick<Clock, "now">): object {
  const { method, sourceIp } = request;
  const { path, query } = partsOf(request);
  const headers = valuesOf(request, (name) => name);
  const parameters = multi(query);
  const proxy = path.replace(/^\//, "");
  const text = bodyOf(request, valuesOf(request));
  return {
    resource: proxy === "" ? "/" : "/{proxy+}",
    path: decodeURI(path),
    httpMethod: method,
    headers: Object.fromEntries([...headers].map(last)),
    multiValueHeaders: Object.fromEntries(headers),
    queryStringParameters: parameters.size === 0 ? null : Object.fromEntries([...parameters].map(last)),
    multiValueQueryStringParameters: parameters.size === 0 ? null : Object.fromEntries(parameters),
    pathParameters: proxy === "" ? null : { proxy: decodeURI(proxy) },
    stageVariables: null,
    requestContext: {
      accountId: ANONYMOUS,
      apiId: "local",
      httpMethod: method,
      identity: { sourceIp, userAgent: last(["", headers.get("User-Agent") ?? headers.get("user-agent") ?? []])[1] },
      path: `/${REST_STAGE}${decodeURI(path)}`,
      protocol: "HTTP/1.1",
      requestId: randomUUID(),
      requestTime: logTime(clock.now()),
      requestTimeEpoch: clock.now(),
      resourcePath: proxy === "" ? "/" : "/{proxy+}",
      stage: REST_STAGE,
    },
    body: text.body ?? null,
    isBase64Encoded: text.isBase64Encoded,
  };
}

function partsOf({ target }: HttpRequest): { readonly path: string; readonly query: string } {
  const at = target.indexOf("?");
  return at < 0 ? { path: target, query: "" } : { path: target.slice(0, at), query: target.slice(at + 1) };
}

type Values = ReadonlyMap<string, readonly string[]>;

function valuesOf({ rawHeaders }: HttpRequest, named = (name: string) => name.toLowerCase()): Values {
  const found = new Map<string, string[]>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = named(rawHeaders[at] ?? "");
    found.set(name, [...(found.get(name) ?? []), rawHeaders[at + 1] ?? ""]);
  }
  return found;
}

function multi(query: string): Values {
  const found = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(query)) found.set(name, [...(found.get(name) ?? []), value]);
  return found;
}

function joined([name, values]: readonly [string, readonly string[]]): readonly [string, string] {
  return [name, values.join(",")];
}

function last([name, values]: readonly [string, readonly string[]]): readonly [string, string] {
  return [name, values.at(-1) ?? ""];
}

const TEXTS = /^(?:text\/|application\/(?:json|javascript|xml|x-www-form-urlencoded|[\w.-]+\+(?:json|xml)))/i;

/** Text as it is, everything else as base64. */
function bodyOf({ body }: HttpRequest, headers: Values): { readonly body?: string; readonly isBase64Encoded: boolean } {
  if (body.length === 0) return { isBase64Encoded: false };
  const isText = TEXTS.test(headers.get("content-type")?.[0] ?? "") && headers.get("content-encoding") === undefined;
  return isText
    ? { body: body.toString("utf8"), isBase64Encoded: false }
    : { body: body.toString("base64"), isBase64Encoded: true };
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `29/Nov/2026:11:29:46 +0000`. */
function logTime(now: number): string {
  const [date = "", time = ""] = new Date(now).toISOString().split("T");
  const [year, month, day] = date.split("-");
  return `${day}/${MONTHS[Number(month) - 1]}/${year}:${time.slice(0, 8)} +0000`;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

/**
 * What the front answers with a function's result. A function URL and an HTTP API take any JSON as the body of a 200; a REST API
 * wants `statusCode`, and answers 502 without. undefined: the result is none that the front takes.
 */
export function httpAnswer(form: HttpEventForm, payload: Buffer): HttpAnswer | undefined {
  const result = parsed(payload);
  if (!isRecord(result) || result["statusCode"] === undefined) {
    if (form === "v1") return undefined;
    const body = typeof result === "string" ? Buffer.from(result) : payload;
    return { status: 200, headers: [["content-type", "application/json"]], body };
  }
  const status = statusOf(result);
  return status === undefined ? undefined : { status, headers: headersOf(form, result), body: answerBody(result) };
}

const LEAST_STATUS = 100;
const MOST_STATUS = 599;

/** undefined: none that HTTP has. */
export function statusOf({ statusCode }: Readonly<Record<string, unknown>>): number | undefined {
  const status = Number(statusCode);
  return Number.isInteger(status) && status >= LEAST_STATUS && status <= MOST_STATUS ? status : undefined;
}

function answerBody({ body, isBase64Encoded }: Readonly<Record<string, unknown>>): Buffer {
  if (body === undefined || body === null) return Buffer.alloc(0);
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return Buffer.from(text, isBase64Encoded === true ? "base64" : "utf8");
}

/** Those of an answer's own description: `headers`, `multiValueHeaders` (v1), `cookies` (url, v2). */
export function headersOf(form: HttpEventForm, described: Readonly<Record<string, unknown>>): HttpAnswer["headers"] {
  const multiple = form === "v1" ? entriesOf(described["multiValueHeaders"]) : [];
  const several = new Set(multiple.map(([name]) => name));
  const found: (readonly [string, string])[] = [
    ...entriesOf(described["headers"]).filter(([name]) => !several.has(name)),
    ...multiple.flatMap(([name, values]) => listOf(values).map((value) => [name, value] as const)),
    ...(form === "v1" ? [] : listOf(described["cookies"]).map((cookie) => ["set-cookie", cookie] as const)),
  ].map(([name, value]) => [name, String(value)]);
  const hasType = found.some(([name]) => name.toLowerCase() === "content-type");
  return hasType ? found : [...found, ["content-type", "application/json"]];
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return isRecord(value) ? Object.entries(value) : [];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function parsed(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString("utf8"));
  } catch {
    return payload.toString("utf8");
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
