import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../system/clock.js";

/** How long a refusal may take to leave before its socket goes all the same. */
const REFUSAL_TIMEOUT_MS = 1000;

/** The open connections of one server: which are answering, and how they all end. */
export class Connections {
  readonly #server: Server;
  readonly #open = new Set<Duplex>();
  /** Answers under way; pipelined requests are answered one after the other on one connection. */
  readonly #answering = new Map<Duplex, number>();
  #closed: Promise<void> | undefined;

  constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket: Socket) => {
      this.#open.add(socket);
      socket.once("close", () => this.#open.delete(socket));
    });
  }

  /** `socket` is the request's: a pipelined answer gets it only when its turn has come. */
  track(socket: Duplex, response: ServerResponse): void {
    this.#count(socket, 1);
    response.once("close", () => {
      this.#count(socket, -1);
      if (this.#closed) this.#server.closeIdleConnections();
    });
  }

  /** Writes a raw answer and drops the connection; only drops it when another answer is under way on it. */
  refuse(socket: Duplex, answer: string): void {
    // Node has taken its own listener off an upgraded socket: a reset would be an uncaught error.
    socket.on("error", () => socket.destroy());
    if (!socket.writable || this.#answering.has(socket)) {
      socket.destroy();
      return;
    }
    if ("setTimeout" in socket) (socket as Socket).setTimeout(REFUSAL_TIMEOUT_MS, () => socket.destroy());
    // Without destroy the half-closed socket keeps its slot (threat-model §1.7, "clientError trap").
    socket.end(answer, () => socket.destroy());
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

  #count(socket: Duplex, change: 1 | -1): void {
    const answering = (this.#answering.get(socket) ?? 0) + change;
    if (answering > 0) this.#answering.set(socket, answering);
    else this.#answering.delete(socket);
  }
}
