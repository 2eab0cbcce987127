import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo } from "node:net";

/** PEM. */
export interface ServerCertificate {
  readonly key: string;
  readonly cert: string;
}

/** One handler on a loopback port for http, and on another for https where there is a certificate; can go down and up again. */
export class Listener {
  readonly #handler: RequestListener;
  readonly #tls: ServerCertificate | undefined;
  #servers: readonly Server[] = [];
  #ports: readonly number[] = [];

  private constructor(handler: RequestListener, tls: ServerCertificate | undefined) {
    this.#handler = handler;
    this.#tls = tls;
  }

  /** Answers bear the date of `now`; a handler that fails breaks the connection. */
  static async start(
    handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
    { tls, now }: { readonly tls: ServerCertificate | undefined; readonly now: () => number },
  ): Promise<Listener> {
    const dated: RequestListener = (request, response) => {
      response.sendDate = false;
      response.setHeader("date", new Date(now()).toUTCString());
      handle(request, response).catch((error: unknown) => {
        response.destroy(error instanceof Error ? error : new Error(String(error)));
      });
    };
    const listener = new Listener(dated, tls);
    await listener.up();
    return listener;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#ports[0]}`;
  }

  /** Throws where there is no certificate. */
  get secureUrl(): string {
    const port = this.#ports[1];
    if (port === undefined) throw new Error("this fake has no certificate: give it `tls`");
    return `https://127.0.0.1:${port}`;
  }

  /** On the ports it had before. */
  async up(): Promise<void> {
    const servers = [
      createHttpServer(this.#handler),
      ...(this.#tls ? [createHttpsServer(this.#tls, this.#handler)] : []),
    ];
    await Promise.all(servers.map((server, index) => listen(server, this.#ports[index] ?? 0)));
    this.#servers = servers;
    this.#ports = servers.map((server) => (server.address() as AddressInfo).port);
  }

  /** Harmless when down already. */
  async down(): Promise<void> {
    const servers = this.#servers;
    this.#servers = [];
    for (const server of servers) {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
}
