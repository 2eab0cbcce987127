import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Writable } from "node:stream";
import { hasErrno, reasonOf } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import type { Clock } from "../system/clock.js";
import type { PeerIdentity } from "../system/peer-identity.js";
import { eventBody, isOwnUser, isWellEncoded } from "./callers.js";
import {
  type HttpAnswer,
  type HttpEventForm,
  type HttpRequest,
  headersOf,
  httpAnswer,
  httpEvent,
  statusOf,
} from "./http-events.js";
import type { InvocationOutcome } from "./invocation-outcome.js";
import { closeNow, listenOnPort } from "./loopback.js";
import type { ServedFunction } from "./served-function.js";
import { writePatiently } from "./write-patiently.js";

export interface HttpFrontOptions {
  readonly served: ServedFunction;
  readonly form: HttpEventForm;
  /** Of 127.0.0.1; 0: any. */
  readonly port: number;
  readonly peers: PeerIdentity;
  readonly clock: Clock;
  /** For the person at the terminal: one line. */
  readonly told: (line: string) => void;
}

/**
 * A function behind HTTP, as a function URL, an HTTP API or a REST API has it: every path and method of one port. Pages that this
 * machine serves itself (`http://localhost:3000`) may call it; pages of the web may not, nor may programs of other users (on Linux):
 * who calls acts with the function's role.
 */
export class HttpFront {
  readonly #options: HttpFrontOptions;
  readonly #server: Server;

  private constructor(options: HttpFrontOptions) {
    this.#options = options;
    this.#server = createServer({ requestTimeout: 0 }, (request, response) => {
      this.#serve(request, response).catch((error: unknown) => {
        options.told(`${options.served.context.functionName}: ${reasonOf(error)}`);
        send(response, failure(500));
      });
    });
  }

  /** `Conflict` where the port is taken. */
  static async start(options: HttpFrontOptions): Promise<HttpFront> {
    const front = new HttpFront(options);
    await listenOnPort(front.#server, options.port, (cause) => cannotListen(options.port, cause));
    return front;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async close(): Promise<void> {
    await closeNow(this.#server);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await this.#answerTo(request, response);
    if (answer !== undefined) send(response, answer);
  }

  /** undefined: it was streamed, or broke off. */
  async #answerTo(request: IncomingMessage, response: ServerResponse): Promise<HttpAnswer | undefined> {
    const { served, form, clock } = this.#options;
    if (!isLocal(request) || !(await isOwnUser(this.#options.peers, request.socket))) return failure(403);
    if (!isWellEncoded((request.url ?? "").split("?", 1)[0] ?? "")) return failure(400);
    const body = await eventBody(request);
    if (body === undefined) return failure(413);
    const event = httpEvent(form, requestOf(request, body), clock);
    const streamed = new StreamedAnswer(response, form);
    const outcome = await served.pool.invoke({ event, timeoutMs: served.timeoutMs, streamTo: streamed });
    if (!outcome) return failure(429);
    return answerOf(outcome, { form, response, streamed });
  }
}

interface Answering {
  readonly form: HttpEventForm;
  readonly response: ServerResponse;
  readonly streamed: StreamedAnswer;
}

function answerOf(
  { status, payload }: Pick<InvocationOutcome, "status" | "payload">,
  { form, response, streamed }: Answering,
): HttpAnswer | undefined {
  if (status !== "success") {
    if (response.headersSent) response.destroy();
    return failure(502);
  }
  if (payload.length > 0) return httpAnswer(form, payload) ?? failure(502);
  streamed.end();
  return undefined;
}

function requestOf({ method, url, rawHeaders, socket }: IncomingMessage, body: Buffer): HttpRequest {
  return { method: method ?? "GET", target: url ?? "/", rawHeaders, body, sourceIp: socket.remoteAddress ?? "" };
}

/**
 * A page of another site names itself in Origin; one that was rebound to this address names its host in Host. Of what a page only links to, or shows as
 * an image, there is no Origin, and the browser says that it is of another site.
 */
function isLocal({ headers: { host, origin, "sec-fetch-site": site } }: IncomingMessage): boolean {
  if (!isLoopback(`http://${host ?? ""}`)) return false;
  return origin === undefined ? site !== "cross-site" : isLoopback(origin);
}

function isLoopback(url: string): boolean {
  try {
    const { hostname } = new URL(url);
    return (
      hostname === "localhost" || hostname.endsWith(".localhost") || hostname === "127.0.0.1" || hostname === "[::1]"
    );
  } catch {
    return false;
  }
}

/** Between the JSON that describes a streamed answer and its body (`awslambda.HttpResponseStream.from`). */
const PRELUDE_END = Buffer.alloc(8);
const MAX_PRELUDE = 64 * 1024;

/** What a function streams, as an HTTP response: as it says at its beginning, else a 200 of bytes. */
class StreamedAnswer extends Writable {
  readonly #response: ServerResponse;
  readonly #form: HttpEventForm;
  #begun = Buffer.alloc(0);

  constructor(response: ServerResponse, form: HttpEventForm) {
    super();
    this.#response = response;
    this.#form = form;
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    const body = this.#response.headersSent ? chunk : this.#head(chunk);
    void writePatiently(this.#response, body).then(() => done());
  }

  override _final(done: () => void): void {
    if (!this.#response.headersSent) this.#response.writeHead(200, OCTETS);
    this.#response.end(this.#begun, () => done());
  }

  /** What is left of the chunk for the body. */
  #head(chunk: Buffer): Buffer {
    this.#begun = Buffer.concat([this.#begun, chunk]);
    const end = this.#begun.indexOf(PRELUDE_END);
    const mayCome = this.#begun[0] === OPEN_BRACE && this.#begun.length < MAX_PRELUDE;
    if (end < 0 && mayCome) return Buffer.alloc(0);
    const described = end < 0 ? undefined : describedBy(this.#begun.subarray(0, end));
    const body = described ? this.#begun.subarray(end + PRELUDE_END.length) : this.#begun;
    this.#begun = Buffer.alloc(0);
    const headers = described ? headersOf(this.#form, described).flat() : Object.entries(OCTETS).flat();
    this.#response.writeHead((described && statusOf(described)) ?? OK, headers);
    return body;
  }
}

const OK = 200;
const OPEN_BRACE = "{".charCodeAt(0);
const OCTETS = { "Content-Type": "application/octet-stream" };

function describedBy(bytes: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(bytes.toString("utf8")) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

const MESSAGES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  413: "Request Too Long",
  429: "Rate Exceeded.",
  500: "Internal Server Error",
  502: "Internal Server Error",
};

function failure(status: number): HttpAnswer {
  const body = Buffer.from(JSON.stringify({ message: MESSAGES[status] ?? "Internal Server Error" }));
  return { status, headers: [["content-type", "application/json"]], body };
}

function send(response: ServerResponse, { status, headers, body }: HttpAnswer): void {
  if (response.headersSent || response.destroyed) return;
  const own = headers.filter(([name]) => !/^(?:content-length|transfer-encoding|connection)$/i.test(name));
  response.writeHead(status, [...own.flat(), "Content-Length", String(body.length)]);
  response.end(body);
}

function cannotListen(port: number, cause: unknown): BrokerError {
  const what = hasErrno(cause, "EADDRINUSE") ? "it is taken" : reasonOf(cause);
  return new BrokerError("Conflict", `cannot listen on port ${port} of 127.0.0.1: ${what}`, {
    hint: "another port: --http FUNCTION=PORT",
    cause,
  });
}
