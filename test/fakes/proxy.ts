import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";

export interface ProxiedRequest {
  /** CONNECT for tunnels, else the method of the plain request. */
  readonly method: string;
  /** host:port of a tunnel, the absolute URL of a plain request. */
  readonly target: string;
  readonly authorization: string | undefined;
}

export interface RecordingProxyOptions {
  /** `user:password`; other requests are answered 407. */
  readonly credentials?: string;
  /** Where every tunnel really leads, whatever host it names: so tests can use AWS's own host names. */
  readonly destination?: { readonly host: string; readonly port: number };
  /** Accepts connections and never answers. */
  readonly silent?: boolean;
}

/** A small HTTP proxy that remembers what went through it. */
export class RecordingProxy {
  readonly requests: ProxiedRequest[] = [];
  readonly url: string;
  readonly #options: RecordingProxyOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();

  private constructor(server: Server, options: RecordingProxyOptions) {
    this.#server = server;
    this.#options = options;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(options: RecordingProxyOptions = {}): Promise<RecordingProxy> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const proxy = new RecordingProxy(server, options);
    server.on("connection", (socket: Socket) => proxy.#track(socket));
    server.on("connect", (incoming: IncomingMessage, socket: Duplex, head: Buffer) =>
      proxy.#tunnel(incoming, socket, head),
    );
    server.on("request", (incoming: IncomingMessage, response: ServerResponse) => proxy.#forward(incoming, response));
    return proxy;
  }

  /** Connections that are open now, from clients and to destinations. */
  get openConnections(): number {
    return this.#sockets.size;
  }

  /** Harmless when it is closed already. */
  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (this.#server.listening) await new Promise((resolve) => this.#server.close(resolve));
  }

  #tunnel(incoming: IncomingMessage, client: Duplex, head: Buffer): void {
    if (!this.#admit(incoming)) {
      client.end(
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
      );
      return;
    }
    if (this.#options.silent) {
      // http's sockets may be half open, and one that is not read never ends.
      client.resume().once("end", () => client.destroy());
      return;
    }
    const [host = "", port = "443"] = (incoming.url ?? "").split(":");
    const upstream = connect(this.#options.destination ?? { host, port: Number(port) });
    this.#track(upstream);
    upstream.on("connect", () => {
      client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on("error", () => client.end("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"));
  }

  #forward(incoming: IncomingMessage, response: ServerResponse): void {
    if (!this.#admit(incoming)) {
      response.writeHead(407).end();
      return;
    }
    if (this.#options.silent) return;
    const { method, headers, url = "" } = incoming;
    const onward = httpRequest(url, { method: method ?? "GET", headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.writeHead(502).end());
    incoming.pipe(onward);
  }

  #admit({ method = "", url = "", headers }: IncomingMessage): boolean {
    const authorization = headers["proxy-authorization"];
    this.requests.push({ method, target: url, authorization });
    const { credentials } = this.#options;
    return credentials === undefined || authorization === `Basic ${Buffer.from(credentials).toString("base64")}`;
  }

  #track(socket: Duplex): void {
    this.#sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#sockets.delete(socket));
  }
}
