import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

/** What an answer of Lambda says of an archive. */
interface Told {
  readonly CodeSha256?: string;
  Location?: string;
}

const GET_FUNCTION = /^\/2015-03-31\/functions\/[^/?]+(?:\?.*)?$/;
const LAYER_BY_ARN = /^\/2018-10-31\/layers\?.*find=LayerVersion/;
const LAYER = /:layer:([\w-]+):(\d+)$/;

/**
 * Lambda's API by moto, with what moto lacks for code: its addresses of archives lead nowhere, so they lead here, and a layer's version is found by
 * its ARN. All else moto says.
 */
export class CodeServer {
  readonly #upstream: string;
  readonly #archives: ReadonlyMap<string, Buffer>;
  readonly #server: Server;

  private constructor(upstream: string, archives: readonly Buffer[]) {
    this.#upstream = upstream;
    this.#archives = new Map(archives.map((archive) => [sha256(archive), archive]));
    this.#server = createServer((request, response) => {
      this.#answer(request).then(
        ({ status, body }) => response.writeHead(status, { "content-type": "application/json" }).end(body),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
  }

  /** In front of a URL of moto. */
  static async start(upstream: string, archives: readonly Buffer[]): Promise<CodeServer> {
    const server = new CodeServer(upstream, archives);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const { method = "GET", url = "/" } = request;
    const sum = /^\/archives\/(.+)$/.exec(url)?.[1];
    if (sum !== undefined) return this.#archive(decodeURIComponent(sum));
    const answer = await this.#ask(request, LAYER_BY_ARN.test(url) ? layerPath(url) : url);
    const hasCode = method === "GET" && answer.status === 200 && (GET_FUNCTION.test(url) || LAYER_BY_ARN.test(url));
    return hasCode ? { ...answer, body: this.#withPlaces(answer.body) } : answer;
  }

  /** Whole, whatever part is asked for: HTTP allows it. */
  #archive(sum: string): Answer {
    const body = this.#archives.get(sum);
    return body ? { status: 200, body } : { status: 404, body: Buffer.of() };
  }

  async #ask(request: IncomingMessage, path: string): Promise<Answer> {
    const body = await buffer(request);
    const { authorization = "" } = request.headers;
    const sent = body.length === 0 ? {} : { body: new Uint8Array(body) };
    const headers = { authorization, "content-type": request.headers["content-type"] ?? "application/json" };
    const answer = await fetch(this.#upstream + path, { method: request.method ?? "GET", headers, ...sent });
    return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()) };
  }

  #withPlaces(body: Buffer): Buffer {
    const said = JSON.parse(body.toString()) as { Configuration?: Told; Code?: Told; Content?: Told };
    const { Configuration, Code, Content } = said;
    if (Code) Code.Location = this.#place(Configuration?.CodeSha256);
    if (Content) Content.Location = this.#place(Content.CodeSha256);
    return Buffer.from(JSON.stringify(said));
  }

  #place(sum = ""): string {
    return `${this.url}/archives/${encodeURIComponent(sum)}`;
  }
}

function layerPath(url: string): string {
  const arn = new URLSearchParams(url.split("?")[1]).get("Arn") ?? "";
  const [, name = "", version = ""] = LAYER.exec(arn) ?? [];
  return `/2018-10-31/layers/${name}/versions/${version}`;
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("base64");
}
