import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../system/clock.js";

/** How long a refusal may take to leave before its socket goes all the same. */
const REFUSAL_TIMEOUT_MS = 1000;

/** The open connections of one server: which are answering, and how they end. */
export class Connections {
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
    socket.on("error", () => socket.destroy());
    this.#ending.add(socket);
    if (!this.#answering.has(socket)) this.#end(socket);
  }

  /** Writes a raw answer and drops the connection; only drops it when another answer is under way on it. */
  refuse(socket: Duplex, answer: string): void {
    // Node has taken its own listener off an upgraded socket: a reset would be an uncaught error.
    socket.on("error", () => socket.destroy());
    if (!socket.writable || this.#answering.has(socket)) {
      socket.destroy();
      return;
    }
    this.#end(socket, answer);
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
    // Without destroy the half-closed socket keeps its slot (threat-model §1.7, "clientError trap").
    socket.end(lastBytes, () => socket.destroy());
  }
}
