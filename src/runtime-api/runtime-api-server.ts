import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Writable } from "node:stream";
import { BrokerError } from "../core/errors.js";
import { headerFields } from "../core/header-fields.js";
import type { PeerIdentity } from "../system/peer-identity.js";
import { browserObjection } from "./browser-objection.js";
import { deferred } from "./deferred.js";
import type { Invocation } from "./invocation.js";
import { closeNow, listenOnPort } from "./loopback.js";
import { MAX_HEADER_BYTES } from "./payload-limits.js";
import { type Refusal, readError, readResponse } from "./posted-answer.js";

/** An event for the runtime. */
export interface Offer {
  readonly invocation: Invocation;
  /** Gets a streamed response's bytes as they come. */
  readonly streamTo: Writable;
}

export interface RuntimeApiOptions {
  /** The first event. */
  readonly first: Offer;
  readonly peers: PeerIdentity;
}

/**
 * The Lambda Runtime API, 2018-06-01, for one event after the other, on a loopback port that the system chooses. Any process on
 * this machine can reach the port as long as it is open, and the API knows no credential that a client could show. An event
 * goes to the first program of this user that asks (on Linux; elsewhere the first of all), and only who has it knows the id
 * that an answer needs. AWS credentials never pass here.
 */
export class RuntimeApiServer {
  readonly #peers: PeerIdentity;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #noSockets = deferred<undefined>();
  #current: Offer;
  /** Of runtimes that have asked for the next event, in the order in which they did. */
  #waiting: readonly ServerResponse[] = [];

  private constructor({ first, peers }: RuntimeApiOptions) {
    this.#current = first;
    this.#peers = peers;
    this.#server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, ...PATIENT }, (request, response) => {
      this.#serve(request, response).catch(() => send(response, BROKEN));
    });
    this.#server.on("connection", (socket) => this.#follow(socket));
  }

  static async start(options: RuntimeApiOptions): Promise<RuntimeApiServer> {
    const api = new RuntimeApiServer(options);
    await listenOnPort(api.#server, 0, (cause) => {
      return new BrokerError("InternalError", "cannot listen on loopback for the Runtime API", { cause });
    });
    return api;
  }

  /** `127.0.0.1:PORT`, the form of `AWS_LAMBDA_RUNTIME_API`. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** The next event, when the one before is finished. It is handed out at once where the runtime waits for it. */
  offer(next: Offer): void {
    this.#current = next;
    const [first, ...others] = this.#waiting;
    if (!first) return;
    this.#waiting = others;
    handOut(next.invocation, first);
  }

  /** Resolves when no connection is open: all that an ended runtime had still sent has been read. */
  async idle(): Promise<void> {
    if (this.#sockets.size > 0) await this.#noSockets.promise;
  }

  async close(): Promise<void> {
    await closeNow(this.#server);
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #follow(socket: Socket): void {
    if (this.#sockets.size === 0) this.#noSockets = deferred();
    this.#sockets.add(socket);
    socket.once("close", () => {
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#noSockets.resolve(undefined);
    });
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = await this.#replyTo(request, response);
    if (reply !== undefined) send(response, reply);
  }

  /** undefined: it is answered already, or kept waiting. */
  #replyTo(request: IncomingMessage, response: ServerResponse): Reply | Promise<Reply | undefined> {
    const { rawHeaders, method = "", url = "" } = request;
    const objection = browserObjection({ fields: headerFields(rawHeaders), port: this.#port });
    if (objection !== undefined) return error(403, "RequestRefused", objection);
    const path = url.split("?", 1)[0] ?? "";
    const route = `${method} ${path}`;
    if (route === `GET ${RUNTIME}/invocation/next`) return this.#next(request, response);
    if (route === `POST ${RUNTIME}/init/error`) return this.#initError(request);
    const [, requestId, kind] = POSTED.exec(route) ?? [];
    if (requestId !== undefined) return this.#answer(request, { requestId, isError: kind === "error" });
    const missing = NOT_SERVED.find(({ pattern }) => pattern.test(path));
    if (missing) return error(501, "NotImplemented", `${missing.name} is not served by credbroker`);
    return error(404, "NotFound", `no such route: ${route}`);
  }

  /** The first gets the event. One after the answer is kept waiting for the next event. */
  async #next({ socket }: IncomingMessage, response: ServerResponse): Promise<Reply | undefined> {
    if (!(await this.#mayAsk(socket))) return OTHER_USER;
    const { invocation } = this.#current;
    if (invocation.phase === "starting") handOut(invocation, response);
    else if (invocation.phase === "answered" || invocation.phase === "finished") {
      this.#waiting = [...this.#waiting, response];
      response.once("close", () => (this.#waiting = this.#waiting.filter((other) => other !== response)));
      if (invocation.phase === "answered") invocation.finish();
    } else return outOfOrder(invocation);
    return undefined;
  }

  async #initError(request: IncomingMessage): Promise<Reply> {
    if (!(await this.#mayAsk(request.socket))) return OTHER_USER;
    const posted = await readError(request);
    const { invocation } = this.#current;
    if (invocation.phase !== "starting") return outOfOrder(invocation);
    invocation.failInit(posted.answer);
    return posted.refusal ? refusalReply(posted.refusal) : ACCEPTED;
  }

  /** Root is not kept out: it can read the event anyhow, and programs in containers run as it. A runtime may wait. */
  async #mayAsk(socket: Socket): Promise<boolean> {
    for (;;) {
      const verdict = await this.#peers.of(socket);
      if (verdict.kind === "other") return verdict.peer.uid === ROOT;
      if (verdict.kind !== "late") return verdict.kind === "own" || verdict.kind === "not-checked";
    }
  }

  async #answer(request: IncomingMessage, { requestId, isError }: PostedRoute): Promise<Reply> {
    const { invocation, streamTo } = this.#current;
    if (requestId !== invocation.requestId) return error(400, "InvalidRequestID", "Invalid request ID");
    if (invocation.phase !== "running") return outOfOrder(invocation);
    invocation.beginAnswer();
    const posted = await (isError ? readError(request) : readResponse(request, streamTo));
    invocation.acceptAnswer(posted.answer);
    return posted.refusal ? refusalReply(posted.refusal) : ACCEPTED;
  }
}

interface Reply {
  readonly status: number;
  readonly body: object;
}

interface PostedRoute {
  readonly requestId: string;
  readonly isError: boolean;
}

const RUNTIME = "/2018-06-01/runtime";
const POSTED = /^POST \/2018-06-01\/runtime\/invocation\/([^/]+)\/(response|error)$/;

/** What a runtime may ask for and we do not have: the answer says so, so that it is not taken for a broken handler. */
const NOT_SERVED = [
  { pattern: /^\/2020-01-01\/extension\//, name: "the Lambda Extensions API" },
  { pattern: /^\/2020-08-15\/logs$/, name: "the Lambda Logs API" },
  { pattern: /^\/2022-07-01\/telemetry$/, name: "the Lambda Telemetry API" },
  { pattern: /^\/2018-06-01\/runtime\/restore\//, name: "SnapStart's part of the Runtime API" },
] as const;

/**
 * A handler may think for as long as its timeout allows, between requests and within one: Node's own limits (5 s on an
 * idle connection, 300 s on a request) would cut it off.
 */
const PATIENT = { keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0, connectionsCheckingInterval: 60_000 };

const BROKEN: Reply = error(500, "InternalServerError", "Internal Server Error");
const OTHER_USER = error(403, "RequestRefused", "only programs of the user who invokes the function may ask");
const ACCEPTED: Reply = { status: 202, body: { status: "OK" } };

const ROOT = 0;

/** 403 is what AWS documents for a request that the order of requests does not allow. */
function outOfOrder({ phase }: Invocation): Reply {
  return error(403, "InvalidStateTransition", `not allowed while the invocation is ${phase}`);
}

function handOut(invocation: Invocation, response: ServerResponse): void {
  response.writeHead(200, { ...invocation.take(), "Content-Length": invocation.event.length });
  response.end(invocation.event);
}

function refusalReply({ status, errorType, errorMessage }: Refusal): Reply {
  return error(status, errorType, errorMessage);
}

function error(status: number, errorType: string, errorMessage: string): Reply {
  return { status, body: { errorMessage, errorType } };
}

function send(response: ServerResponse, { status, body }: Reply): void {
  if (response.headersSent || response.destroyed) return;
  const text = `${JSON.stringify(body)}\n`;
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
  response.end(text);
}
