import { createServer, IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { hasErrno } from "../core/errno.js";
import { BrokerError } from "../core/errors.js";
import type { Clock } from "../system/clock.js";
import type { Logger } from "../system/logger.js";
import { errorAnswer, type JsonAnswer, rawAnswer, sendJson } from "./json-answer.js";

/** What one client can take of us, milliseconds and bytes. With Node's own limits silent and dripping connections stay for more than a minute. */
export interface ServerLimits {
  /** From the first byte, or the connection, to the end of the headers. */
  readonly headersTimeout: number;
  /** From the first byte to the end of the request. */
  readonly requestTimeout: number;
  readonly connectionsCheckingInterval: number;
  /** Between requests on one connection. */
  readonly keepAliveTimeout: number;
  readonly maxHeaderSize: number;
  /** High, with short timeouts: at 512 an honest client was turned away during a flood of 2,000. */
  readonly maxConnections: number;
  /** Requests under way, one a connection; more are told to come again. */
  readonly maxAnswering: number;
  /** False: a request with a body is refused, and nothing of it is read. */
  readonly bodies: boolean;
  /** How long `close` lets running requests finish. */
  readonly drain: number;
}

export const SERVER_LIMITS: ServerLimits = {
  headersTimeout: 2000,
  requestTimeout: 4000,
  connectionsCheckingInterval: 500,
  keepAliveTimeout: 5000,
  maxHeaderSize: 8 * 1024,
  maxConnections: 4096,
  maxAnswering: 2048,
  bodies: true,
  drain: 1500,
};

export interface LimitedServer {
  readonly server: Server;
  /** Stops accepting, lets running requests finish within `drain`, then cuts what is left. */
  readonly close: () => Promise<void>;
}

export interface LimitedServerOptions {
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly logger: Logger;
  /** A request was refused (403) that the handler never saw. */
  readonly onRefused?: (() => void) | undefined;
  /** Whose upgrades are taken; without it each is refused. */
  readonly upgrades?: Upgrades | undefined;
}

/** taken: the connection is no longer HTTP. refused: with 403. full: with 503. */
export type TakenUpgrade = "taken" | "refused" | "full";

/** What speaks on connections that are upgraded; they count as connections, not as requests under way. */
export interface Upgrades {
  /** `head`: what came behind the request already. */
  take(request: IncomingMessage, socket: Duplex, head: Buffer): TakenUpgrade;
  /** The server closes: ends them at once. */
  close(): void;
}

/**
 * An HTTP server that bounds every client; the handler sees each well-formed request and nothing else. Nothing that a
 * client does, nor a handler that throws, nor an accept that fails ends the process.
 */
export function createLimitedServer(handler: RequestListener, options: LimitedServerOptions): LimitedServer {
  const { limits, clock, logger, onRefused = () => undefined, upgrades } = options;
  const { drain, maxConnections, maxAnswering, bodies, ...serverLimits } = limits;
  const comesTooEarly = ({ socket }: IncomingMessage): boolean => connections.isAnswering(socket);
  const Message = stoppingMessage((request) => comesTooEarly(request) || (!bodies && hasBody(request)));
  // A missing Host is for the handler to refuse, as a wrong one is.
  const server = createServer({ ...serverLimits, IncomingMessage: Message, noDelay: true, requireHostHeader: false });
  server.maxConnections = maxConnections;
  // Node drops the headers beyond its default of 2,000 silently, and with them what the guard refuses.
  server.maxHeadersCount = 0;
  const connections = new Connections(server);
  const answer: RequestListener = (request, response) => {
    const isFull = connections.answering >= maxAnswering;
    connections.track(request.socket, response);
    if (isFull) return sendJson(response.setHeader("Connection", "close"), FULL);
    try {
      handler(request, response);
    } catch (err) {
      logger.error({ err }, "a request was not answered");
      request.socket.destroy();
    }
  };
  // For want of descriptors or memory, which other clients may have brought about.
  server.on("error", (err) => {
    if (server.listening) logger.error({ err }, "a connection was not accepted");
  });
  server.on("request", answer);
  // Without 100 Continue: it is for the handler to refuse the Expect header.
  server.on("checkContinue", answer);
  server.on("checkExpectation", answer);
  server.on("upgrade", (request, socket, head) => {
    if (comesTooEarly(request)) return connections.endAfterAnswer(socket);
    const withBody = hasBody(request);
    const taken = withBody ? "refused" : (upgrades?.take(request, socket, head) ?? "refused");
    if (taken === "full") connections.refuse(socket, rawAnswer(FULL));
    if (taken !== "refused") return;
    if (connections.refuse(socket, withBody ? BODY : UPGRADE)) onRefused();
  });
  server.on("connect", (_request, socket) => {
    socket.destroy();
    onRefused();
  });
  server.on("clientError", (error, socket) => {
    const isLate = hasErrno(error, "ERR_HTTP_REQUEST_TIMEOUT");
    if (connections.refuse(socket, isLate ? LATE : MALFORMED) && !isLate) onRefused();
  });
  const close = (): Promise<void> => {
    upgrades?.close();
    return connections.close(clock, drain);
  };
  return { server, close };
}

/** Of each request, so without an object for its fields. */
function hasBody({ rawHeaders }: IncomingMessage): boolean {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    if (isNamed(name, "transfer-encoding")) return true;
    if (isNamed(name, "content-length") && !/^0+$/.test(rawHeaders[index + 1] ?? "")) return true;
  }
  return false;
}

function isNamed(name: string, lowerCase: string): boolean {
  return name.length === lowerCase.length && name.toLowerCase() === lowerCase;
}

const BODY = refusal("a request with a body is not answered");
const UPGRADE = refusal("upgrades are not answered");
const MALFORMED = refusal("the request is malformed or too large");
/** This process may have been paused and not have read the request. Most SDKs ask again after a 503, and only then. */
const LATE = rawAnswer(pending("the request did not come in time"));
const FULL = pending("too many requests at once");

function pending(message: string): JsonAnswer {
  return errorAnswer(new BrokerError("CredentialsPending", message), 503);
}

function refusal(message: string): string {
  return rawAnswer(errorAnswer(new BrokerError("RequestRefused", message), 403));
}

/** How long a refusal may take to leave before its socket is destroyed. */
const REFUSAL_TIMEOUT_MS = 1000;

/** The open connections of one server: which are answering, and how they end. */
class Connections {
  readonly #server: Server;
  readonly #open = new Set<Duplex>();
  /** Those with an answer under way: one each, nothing is read meanwhile. */
  readonly #answering = new Set<Duplex>();
  /** Those that end with the answer that is under way. */
  readonly #ending = new WeakSet<Duplex>();
  #closed: Promise<void> | undefined;

  constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket: Socket) => {
      this.#open.add(socket);
      socket.once("close", () => this.#open.delete(socket));
    });
  }

  /** How many answers are under way. */
  get answering(): number {
    return this.#answering.size;
  }

  isAnswering(socket: Duplex): boolean {
    return this.#answering.has(socket);
  }

  /** `socket` is the request's: the answer's own is gone when it closes. */
  track(socket: Duplex, response: ServerResponse): void {
    this.#answering.add(socket);
    response.once("close", () => {
      this.#answering.delete(socket);
      if (this.#ending.has(socket)) this.#end(socket);
      if (this.#closed) this.#server.closeIdleConnections();
    });
  }

  /** Closes the connection behind the answer that is under way; nothing more is read of it. */
  endAfterAnswer(socket: Duplex): void {
    socket.on("error", ignored);
    this.#ending.add(socket);
    if (!this.#answering.has(socket)) this.#end(socket);
  }

  /** Writes a raw answer and drops the connection: true. Only drops it when it is gone, or another answer is under way on it. */
  refuse(socket: Duplex, answer: string): boolean {
    socket.on("error", ignored);
    if (!socket.writable || this.#answering.has(socket)) {
      socket.destroy();
      return false;
    }
    this.#end(socket, answer);
    return true;
  }

  close(clock: Clock, drainMs: number): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      const cancel = clock.after(drainMs, () => {
        for (const socket of this.#open) socket.destroy();
      });
      this.#server.close(() => {
        cancel();
        resolve();
      });
      this.#server.closeIdleConnections();
    });
    return this.#closed;
  }

  #end(socket: Duplex, lastBytes = ""): void {
    if ("setTimeout" in socket) (socket as Socket).setTimeout(REFUSAL_TIMEOUT_MS, () => socket.destroy());
    // Without destroy, as in the example of Node's documentation for "clientError", the half-closed socket keeps its slot.
    socket.end(lastBytes, () => socket.destroy());
  }
}

/** Node has taken its own listener off an upgraded socket: a reset, which destroys it, would be an uncaught error. */
const ignored = (): void => undefined;

const PARSED = Symbol("what the parser says");
const STOPS = Symbol("stops");

/**
 * The class of requests for a server whose parser stops at some of them; `stopAt` is asked once, when a request's fields
 * are known. Node parses all that one read brought, up to 64 KB, before anything else runs: a thousand requests, or ten
 * thousand chunks of a body. It stops at an upgrade only, where it hands the connection over by the event `upgrade`: so
 * that is what a request at which it shall stop reads as.
 */
function stoppingMessage(stopAt: (request: IncomingMessage) => boolean): typeof IncomingMessage {
  return class StoppingMessage extends IncomingMessage {
    declare [PARSED]: boolean | null;
    declare [STOPS]: boolean | undefined;

    /** Node reads it before it emits `request`, and again when the read is over. */
    get upgrade(): boolean | null {
      return (this[STOPS] ??= stopAt(this)) || this[PARSED];
    }

    /** Set by the constructor of IncomingMessage, then by the parser. */
    set upgrade(parsed: boolean | null) {
      this[PARSED] = parsed;
    }
  };
}

/** Aborts when the connection closes before the answer was sent. */
export function abortedWith(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once("close", () => {
    if (!response.writableFinished) controller.abort();
  });
  return controller.signal;
}
