import { request as httpRequest, type IncomingMessage } from "node:http";
import type {
  PageEvent,
  PageFailure,
  PageOperation,
  PageRequest,
  PageResponse,
} from "../../src/control-api/page-contract.js";

export interface PageAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
  /** undefined: it is no JSON. */
  readonly json: unknown;
}

export interface PageAsked {
  readonly method?: "GET" | "POST";
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** One request on a connection of its own, with the headers that a browser sends from the page itself unless others are given. */
export function ask(port: number, { method = "GET", path, headers = {}, body }: PageAsked): Promise<PageAnswer> {
  return new Promise((resolve, reject) => {
    const fields = { ...(body !== undefined && { "Content-Length": String(Buffer.byteLength(body)) }), ...headers };
    const request = httpRequest(
      { host: "127.0.0.1", port, method, path, headers: fields, agent: false },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
        response.on("error", reject);
        response.on("end", () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: parsed(text) });
        });
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** As a tab of the page: it has traded its link for a secret. */
export class PageTab {
  readonly port: number;
  readonly secret: string;
  /** All bytes that came, for a search of what must not be in them. */
  received = "";

  private constructor(port: number, secret: string) {
    this.port = port;
    this.secret = secret;
  }

  static async open(url: string): Promise<PageTab> {
    const { port, link } = partsOf(url);
    const { json, status, text } = await takeLink(port, link);
    if (status !== 200) throw new Error(`the link was not taken: ${text}`);
    return new PageTab(port, (json as { readonly secret: string }).secret);
  }

  get headers(): Readonly<Record<string, string>> {
    return { "credbroker-page": this.secret, Origin: `http://127.0.0.1:${this.port}`, "Sec-Fetch-Site": "same-origin" };
  }

  async send(operation: string, body: string): Promise<PageAnswer> {
    const headers = { ...this.headers, "Content-Type": "application/json" };
    const answer = await ask(this.port, { method: "POST", path: `/api/${operation}`, headers, body });
    this.received += answer.text;
    return answer;
  }

  /** Rejects with the error's code and message. */
  async call<O extends PageOperation>(operation: O, request: PageRequest<O>): Promise<PageResponse<O>> {
    const { status, json } = await this.send(operation, JSON.stringify(request));
    if (status === 200) return json as PageResponse<O>;
    const { code, message, hint } = (json as PageFailure).error;
    throw new Error(`${code}: ${message} | ${hint ?? ""}`);
  }

  /** The events until `until` holds of what came so far, or the stream ends. */
  async follow(
    until: (events: readonly PageEvent[]) => boolean,
    then: () => void = () => undefined,
  ): Promise<readonly PageEvent[]> {
    return new Promise((resolve, reject) => {
      const events: PageEvent[] = [];
      const request = httpRequest(
        { host: "127.0.0.1", port: this.port, path: "/events", headers: { ...this.headers }, agent: false },
        (response) => {
          then();
          let rest = "";
          response.setEncoding("utf8").on("data", (chunk: string) => {
            this.received += chunk;
            const lines = (rest + chunk).split("\n");
            rest = lines.pop() ?? "";
            events.push(...lines.map((line) => JSON.parse(line) as PageEvent));
            if (until(events)) request.destroy();
          });
          response.on("close", () => resolve(events));
        },
      );
      request.on("error", (error) => (events.length > 0 ? resolve(events) : reject(error)));
      request.end();
    });
  }
}

export function partsOf(url: string): { readonly port: number; readonly link: string } {
  const { port, hash } = new URL(url);
  return { port: Number(port), link: hash.slice(1) };
}

export function takeLink(
  port: number,
  link: string,
  more: Readonly<Record<string, string>> = { Origin: `http://127.0.0.1:${port}`, "Sec-Fetch-Site": "same-origin" },
): Promise<PageAnswer> {
  return ask(port, { method: "POST", path: "/session", headers: { "credbroker-link": link, ...more } });
}
