import { connect, createServer, type Server, type Socket } from "node:net";

/** A unix socket, which every network namespace can reach, that leads to a loopback port of this one. */
export class Gate {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(port: number) {
    this.#server = createServer((incoming) => {
      const outgoing = connect(port, "127.0.0.1");
      incoming.pipe(outgoing).pipe(incoming);
      for (const socket of [incoming, outgoing]) {
        this.#sockets.add(socket);
        // Either side's end is the other's: a client may be killed at any time.
        socket.on("error", () => undefined);
        socket.on("close", () => {
          incoming.destroy();
          outgoing.destroy();
          this.#sockets.delete(socket);
        });
      }
    });
  }

  static async open(socketPath: string, url: string): Promise<Gate> {
    const gate = new Gate(Number(new URL(url).port));
    await new Promise<void>((resolve) => gate.#server.listen(socketPath, resolve));
    return gate;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
