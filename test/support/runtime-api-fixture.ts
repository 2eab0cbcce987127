import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import { Invocation, type InvocationOptions } from "../../src/runtime-api/invocation.js";
import { RuntimeApiServer } from "../../src/runtime-api/runtime-api-server.js";
import { SystemClock } from "../../src/system/clock.js";
import { type PeerIdentity, ProcPeers } from "../../src/system/peer-identity.js";
import { FakeClock } from "./fake-clock.js";
import { Collected, FUNCTION_ARN } from "./invoke-locally.js";

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Of an error. */
  readonly errorType: string | undefined;
}

export interface CallOptions {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** The API on a real port, an invocation on a clock that the test moves, and a client. */
export class RuntimeApiFixture {
  readonly clock = new FakeClock();
  readonly streamed = new Collected();
  readonly invocation: Invocation;
  readonly #agent = new Agent({ keepAlive: true });
  #api: RuntimeApiServer | undefined;

  readonly #peers: PeerIdentity;

  constructor(
    options: Partial<InvocationOptions> = {},
    peers: PeerIdentity = new ProcPeers({ clock: new SystemClock() }),
  ) {
    this.#peers = peers;
    const given = { event: Buffer.from('{"order":1}'), functionArn: FUNCTION_ARN, timeoutMs: 3_000 };
    this.invocation = new Invocation({ ...given, ...options }, this.clock);
  }

  async open(): Promise<this> {
    this.#api = await RuntimeApiServer.start({
      ...{ first: { invocation: this.invocation, streamTo: this.streamed }, peers: this.#peers },
    });
    return this;
  }

  get api(): RuntimeApiServer {
    if (this.#api === undefined) throw new Error("not open");
    return this.#api;
  }

  get port(): number {
    return Number(this.api.address.split(":")[1]);
  }

  /** Path below `/2018-06-01/runtime`, unless it is absolute by `//`. */
  async call({ method = "GET", path, headers = {}, body }: CallOptions): Promise<Answer> {
    const full = path.startsWith("//") ? path.slice(1) : `/2018-06-01/runtime${path}`;
    const place = { host: "127.0.0.1", port: this.port, path: full, method, agent: this.#agent };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const sent = request({ ...place, headers: { ...headers } });
      sent.once("response", resolve).once("error", reject);
      sent.end(body);
    });
    const answered = await text(response);
    const parsed = response.headers["content-type"] === "application/json" && response.statusCode !== 200;
    const errorType = parsed ? (JSON.parse(answered) as { errorType?: string }).errorType : undefined;
    return { status: response.statusCode ?? 0, headers: response.headers, body: answered, errorType };
  }

  next(): Promise<Answer> {
    return this.call({ path: "/invocation/next" });
  }

  respond(body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.call({ method: "POST", path: `/invocation/${this.invocation.requestId}/response`, body, headers });
  }

  fail(body: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.call({ method: "POST", path: `/invocation/${this.invocation.requestId}/error`, body, headers });
  }

  failInit(body: string): Promise<Answer> {
    return this.call({ method: "POST", path: "/init/error", body });
  }

  async close(): Promise<void> {
    await this.#api?.close();
    this.#agent.destroy();
  }
}
