import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import { reasonOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import { headerFields } from "../core/header-fields.js";
import type { Clock } from "../system/clock.js";
import type { PeerIdentity } from "../system/peer-identity.js";
import { browserObjection } from "./browser-objection.js";
import { eventBody, isOwnUser } from "./callers.js";
import { CollectedStream } from "./collected-stream.js";
import { asciiJson, parseEvent } from "./event.js";
import { EventQueue } from "./event-queue.js";
import { eventStreamFrame } from "./event-stream-frames.js";
import type { PooledOutcome } from "./function-pool.js";
import { closeNow, listenOnPort } from "./loopback.js";
import { MAX_EVENT_BYTES } from "./payload-limits.js";
import { type ServedFunction, servedFunction } from "./served-function.js";

export interface InvokeApiOptions {
  readonly functions: readonly ServedFunction[];
  /** Of 127.0.0.1; 0: any. */
  readonly port: number;
  readonly peers: PeerIdentity;
  readonly clock: Clock;
  /** For the person at the terminal: one line. */
  readonly told: (line: string) => void;
}

const INVOKE = /^\/2015-03-31\/functions\/([^/]+)\/invocations$/;
const INVOKE_STREAMED = /^\/2021-11-15\/functions\/([^/]+)\/response-streaming-invocations$/;

interface Route {
  readonly name: string;
  readonly qualifier: string | null;
  readonly isStreamed: boolean;
}

/** What was asked for, of what the API takes. */
interface Wanted {
  readonly served: ServedFunction;
  readonly event: Buffer;
  readonly clientContext: string | undefined;
  readonly wantsTail: boolean;
}

/**
 * Lambda's Invoke and InvokeWithResponseStream for the functions that run here, on 127.0.0.1, so that an SDK or the CLI with
 * `AWS_ENDPOINT_URL_LAMBDA` calls them as it calls the deployed ones. Signatures are not looked at: what is asked is whether a
 * program of this user asks (on Linux), and that it is no web page.
 * https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
 */
export class InvokeApi {
  readonly #options: InvokeApiOptions;
  readonly #server: Server;
  readonly #queue: EventQueue;

  private constructor(options: InvokeApiOptions) {
    this.#options = options;
    this.#queue = new EventQueue(options);
    this.#server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 0 }, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        send(response, failed(500, "ServiceException", reasonOf(error)));
      });
    });
  }

  /** `Conflict` where the port is taken. */
  static async start(options: InvokeApiOptions): Promise<InvokeApi> {
    const api = new InvokeApi(options);
    await listenOnPort(api.#server, options.port, (cause) => taken(options.port, cause));
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async close(): Promise<void> {
    this.#queue.close();
    await closeNow(this.#server);
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = await this.#replyTo(request, response);
    if (reply !== undefined) send(response, reply);
  }

  /** undefined: it was streamed. */
  async #replyTo(request: IncomingMessage, response: ServerResponse): Promise<Reply | undefined> {
    const objection = browserObjection({ fields: headerFields(request.rawHeaders), port: this.#port });
    if (objection !== undefined) return failed(403, "AccessDeniedException", objection);
    if (!(await isOwnUser(this.#options.peers, request.socket))) return OTHER_USER;
    const route = this.#routeOf(request);
    if (route === undefined) return failed(404, "ResourceNotFoundException", notOurs(request));
    const wanted = await this.#wanted(request, route);
    if ("status" in wanted) return wanted;
    if (route.isStreamed) return this.#invokeStreamed(wanted, response);
    return this.#invoke(wanted, header(request, "x-amz-invocation-type") ?? "RequestResponse");
  }

  #routeOf({ method, url = "" }: IncomingMessage): Route | undefined {
    if (method !== "POST") return undefined;
    const { pathname, searchParams } = new URL(url, this.url);
    const streamed = INVOKE_STREAMED.exec(pathname);
    const name = (streamed ?? INVOKE.exec(pathname))?.[1];
    if (name === undefined) return undefined;
    return { name: decodeURIComponent(name), qualifier: searchParams.get("Qualifier"), isStreamed: streamed !== null };
  }

  async #wanted(request: IncomingMessage, { name, qualifier }: Route): Promise<Wanted | Reply> {
    const { functions } = this.#options;
    const { named, found: served } = servedFunction(functions, name);
    if (!served) {
      const asked = qualifier === null ? named : `${named}:${qualifier}`;
      const here = functions.map(({ context }) => context.functionName).join(", ");
      const message = `Function not found: ${asked} does not run here; brokerctl lambda serve runs ${here}`;
      return failed(404, "ResourceNotFoundException", message);
    }
    const body = await eventBody(request);
    if (body === undefined) {
      const message = `Request must be smaller than ${MAX_EVENT_BYTES} bytes for the InvokeFunction operation`;
      return failed(413, "RequestTooLargeException", message);
    }
    try {
      const context = header(request, "x-amz-client-context");
      return {
        served,
        event: parseEvent(body, "the payload"),
        clientContext: context === undefined ? undefined : clientContextOf(context),
        wantsTail: header(request, "x-amz-log-type") === "Tail",
      };
    } catch (error) {
      const message = `Could not parse request body into json: ${reasonOf(error)}`;
      return failed(400, "InvalidRequestContentException", message);
    }
  }

  async #invoke(wanted: Wanted, type: string): Promise<Reply> {
    const { served, event, clientContext } = wanted;
    if (type === "DryRun") return { status: 204, headers: {}, body: Buffer.alloc(0) };
    if (type === "Event") {
      this.#queue.add(served, { event, clientContext });
      return { status: 202, headers: {}, body: Buffer.alloc(0) };
    }
    if (type !== "RequestResponse") {
      return failed(400, "InvalidParameterValueException", `no such invocation type: ${type}`);
    }
    const streamed = new CollectedStream();
    const { pool, timeoutMs } = served;
    const outcome = await pool.invoke({ event, clientContext, timeoutMs, streamTo: streamed });
    if (!outcome) return THROTTLED;
    const body = outcome.status === "success" ? Buffer.concat([streamed.bytes(), outcome.payload]) : outcome.payload;
    return { status: 200, headers: headersOf(wanted, outcome), body };
  }

  async #invokeStreamed(wanted: Wanted, response: ServerResponse): Promise<Reply | undefined> {
    const { served, event, clientContext } = wanted;
    const frames = new Frames(response, served.context.version);
    const { pool, timeoutMs } = served;
    const outcome = await pool.invoke({ event, clientContext, timeoutMs, streamTo: frames });
    if (!outcome) return THROTTLED;
    if (outcome.status === "success" && outcome.payload.length > 0) frames.write(outcome.payload);
    const complete = {
      ...(outcome.error && { ErrorCode: outcome.error.errorType, ErrorDetails: outcome.payload.toString() }),
      ...(wanted.wantsTail && { LogResult: outcome.logTail.toString("base64") }),
    };
    frames.end(() => {
      response.end(eventStreamFrame({ type: "InvokeComplete", payload: Buffer.from(JSON.stringify(complete)) }));
    });
    return undefined;
  }
}

/** Each chunk is a message, at most so large. */
const MAX_FRAME_PAYLOAD = 65_536;

class Frames extends Writable {
  readonly #response: ServerResponse;
  readonly #version: string;

  constructor(response: ServerResponse, version: string) {
    super();
    this.#response = response;
    this.#version = version;
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.#begin();
    for (let at = 0; at < chunk.length; at += MAX_FRAME_PAYLOAD) {
      const payload = chunk.subarray(at, at + MAX_FRAME_PAYLOAD);
      this.#response.write(eventStreamFrame({ type: "PayloadChunk", payload }));
    }
    if (this.#response.writableNeedDrain && !this.#response.destroyed) this.#response.once("drain", () => done());
    else done();
  }

  override _final(done: () => void): void {
    this.#begin();
    done();
  }

  #begin(): void {
    if (this.#response.headersSent) return;
    this.#response.writeHead(200, {
      "Content-Type": "application/vnd.amazon.eventstream",
      "X-Amz-Executed-Version": this.#version,
      "X-Amzn-Remapped-Content-Type": "application/octet-stream",
    });
  }
}

interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

function headersOf({ served, wantsTail }: Wanted, { status, logTail, requestId }: PooledOutcome): Reply["headers"] {
  return {
    "Content-Type": "application/json",
    "X-Amzn-Requestid": requestId,
    "X-Amz-Executed-Version": served.context.version,
    ...(status !== "success" && { "X-Amz-Function-Error": "Unhandled" }),
    ...(wantsTail && { "X-Amz-Log-Result": logTail.toString("base64") }),
  };
}

function failed(status: number, type: string, message: string): Reply {
  const headers = { "Content-Type": "application/json", "X-Amzn-ErrorType": type };
  return { status, headers, body: Buffer.from(JSON.stringify({ Type: "User", Message: message, message })) };
}

const OTHER_USER = failed(403, "AccessDeniedException", "only programs of the user who serves the functions may call");
const THROTTLED = failed(429, "TooManyRequestsException", "Rate Exceeded.");

function notOurs({ method = "", url = "" }: IncomingMessage): string {
  return `${method} ${url.split("?", 1)[0] ?? ""} is not served by brokerctl lambda serve: only Invoke and InvokeWithResponseStream are`;
}

function send(response: ServerResponse, { status, headers, body }: Reply): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { ...headers, "Content-Length": body.length }).end(body);
}

function header({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** JSON in one line of ASCII, as the Runtime API's header takes it. Throws where it is none. */
function clientContextOf(base64: string): string {
  const value: unknown = JSON.parse(Buffer.from(base64, "base64").toString("utf8"));
  return asciiJson(value);
}

function taken(port: number, cause: unknown): BrokerError {
  return new BrokerError("Conflict", `cannot listen on port ${port} of 127.0.0.1: ${reasonOf(cause)}`, {
    hint: "brokerctl lambda serve … --port PORT",
    cause,
  });
}
