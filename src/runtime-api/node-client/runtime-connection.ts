import { Agent, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { text } from "node:stream/consumers";
import type { ErrorDocument } from "./error-document.js";

/** An event as the Runtime API hands it out. */
export interface RuntimeEvent {
  readonly requestId: string;
  readonly json: string;
  readonly headers: IncomingHttpHeaders;
}

export interface StreamedPost {
  readonly request: ClientRequest;
  /** Resolves when the API has answered. */
  readonly done: Promise<void>;
}

const ROOT = "/2018-06-01/runtime";

/** The client's side of the Runtime API. Its idle connection does not keep the process alive. */
export class RuntimeConnection {
  readonly #host: string;
  readonly #port: string;
  readonly #agent = new Agent({ keepAlive: true });

  /** `address`: HOST:PORT, as in `AWS_LAMBDA_RUNTIME_API`. */
  constructor(address: string) {
    const [host = "", port = ""] = address.split(":");
    this.#host = host;
    this.#port = port;
  }

  /** Waits as long as it takes. */
  async next(): Promise<RuntimeEvent> {
    const { headers, body } = await this.#exchange("GET", "/invocation/next");
    const requestId = headers["lambda-runtime-aws-request-id"];
    if (typeof requestId !== "string") throw new Error("the Runtime API gave no event");
    return { requestId, json: body, headers };
  }

  async respond(requestId: string, json: string): Promise<void> {
    await this.#exchange("POST", `/invocation/${requestId}/response`, json);
  }

  async fail(requestId: string, document: ErrorDocument): Promise<void> {
    await this.#exchange("POST", `/invocation/${requestId}/error`, JSON.stringify(document));
  }

  async failInit(document: ErrorDocument): Promise<void> {
    await this.#exchange("POST", "/init/error", JSON.stringify(document));
  }

  /** The headers go out with the first byte, so that they can be changed until then. */
  stream(requestId: string, headers: Readonly<Record<string, string>>): StreamedPost {
    const post = this.#open("POST", `/invocation/${requestId}/response`, headers);
    const done = answerTo(post).then(() => undefined);
    done.catch(() => undefined); // looked at when all is written
    return { request: post, done };
  }

  #exchange(method: string, path: string, body?: string): Promise<Answer> {
    const open = this.#open(method, path, body === undefined ? {} : { "Content-Type": "application/json" });
    open.end(body);
    return answerTo(open);
  }

  #open(method: string, path: string, headers: Readonly<Record<string, string>>): ClientRequest {
    const place = { host: this.#host, port: this.#port, path: ROOT + path, agent: this.#agent };
    return request({ ...place, method, headers: { ...headers } });
  }
}

interface Answer {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

async function answerTo(open: ClientRequest): Promise<Answer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    open.once("response", resolve).once("error", reject);
  });
  return { headers: response.headers, body: await text(response) };
}
