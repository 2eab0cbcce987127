import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { CANARY, canarySecretKey } from "../support/canaries.js";

/** One request to AWS, as the proxy saw it. */
export interface UpstreamCall {
  /** Who called: the label of the URL that it was given. */
  readonly label: string;
  /** `AssumeRole`, `GetCallerIdentity`, … */
  readonly action: string;
  readonly roleArn: string | null;
  /** Which key signed, and for which region; null for an unsigned request. */
  readonly accessKeyId: string | null;
  readonly region: string | null;
  readonly status: number;
  /** Epoch milliseconds at which it came. */
  readonly at: number;
}

/** How the next calls of a role are answered in place of the upstream. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
}

/** A role whose sessions are held back. */
export interface HeldRole {
  /** Somebody has asked for one. */
  readonly arrived: Promise<void>;
  readonly release: () => void;
}

interface Request {
  readonly call: Omit<UpstreamCall, "status">;
  readonly path: string;
  readonly body: Buffer;
}
type Answer = Pick<UpstreamCall, "status"> & { readonly type: string; readonly body: string };

/** Actions whose answers hold credentials. */
const SESSION_ACTIONS: readonly string[] = ["AssumeRole", "GetSessionToken"];

/**
 * Stands between everybody and moto. Shortens the sessions that moto hands out (its own last at least 900 s), and unlike
 * moto refuses whoever signs with one that has ended. Plants canaries as secret keys and session tokens: moto checks neither.
 */
export class ExpirationProxy {
  readonly calls: UpstreamCall[] = [];
  readonly #upstream: string;
  readonly #sessionSeconds: number;
  readonly #server: Server;
  readonly #endOfKey = new Map<string, number>();
  readonly #refusals = new Map<string, Refusal>();
  readonly #held = new Map<string, { readonly arrive: () => void; readonly released: Promise<void> }>();

  private constructor(upstream: string, sessionSeconds: number) {
    this.#upstream = upstream;
    this.#sessionSeconds = sessionSeconds;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(options: { upstream: string; sessionSeconds: number }): Promise<ExpirationProxy> {
    const proxy = new ExpirationProxy(options.upstream, options.sessionSeconds);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  /** The endpoint URL for one caller, whose calls are then found under `label`. */
  url(label: string): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/${encodeURIComponent(label)}`;
  }

  callsOf(label: string): readonly UpstreamCall[] {
    return this.calls.filter((call) => call.label === label);
  }

  /** The keys that signed a caller's calls, in the order in which they came. */
  keysOf(label: string): readonly string[] {
    return [...new Set(this.callsOf(label).map(({ accessKeyId }) => accessKeyId ?? "unsigned"))];
  }

  /** Epoch milliseconds at which a key that was handed out here ends. */
  endOf(accessKeyId: string): number {
    const end = this.#endOfKey.get(accessKeyId);
    if (end === undefined) throw new Error(`the key ${accessKeyId} was not handed out here`);
    return end;
  }

  /** A session ends now, before its time: whoever still signs with it is refused. */
  end(accessKeyId: string): void {
    this.#endOfKey.set(accessKeyId, 0);
  }

  /** Sessions of a role are refused until `allow`. */
  refuse(roleArn: string, refusal: Refusal): void {
    this.#refusals.set(roleArn, refusal);
  }

  allow(roleArn: string): void {
    this.#refusals.delete(roleArn);
  }

  /** Sessions of a role are not answered before `release`. */
  hold(roleArn: string): HeldRole {
    const arrival = promiseWithResolver();
    const release = promiseWithResolver();
    this.#held.set(roleArn, { arrive: arrival.resolve, released: release.promise });
    return {
      arrived: arrival.promise,
      release: () => {
        this.#held.delete(roleArn);
        release.resolve();
      },
    };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const request = await readRequest(incoming);
    const answer = await this.#answer(request, incoming.headers).catch((error: unknown) =>
      errorAnswer({ status: 500, code: "InternalFailure" }, String(error)),
    );
    this.calls.push({ ...request.call, status: answer.status });
    outgoing.writeHead(answer.status, { "content-type": answer.type }).end(answer.body);
  }

  async #answer(request: Request, headers: IncomingMessage["headers"]): Promise<Answer> {
    const { action, at, ...call } = request.call;
    const end = this.#endOfKey.get(call.accessKeyId ?? "");
    if (end !== undefined && at >= end) {
      return errorAnswer(
        { status: 403, code: "ExpiredToken" },
        "the security token included in the request is expired",
      );
    }
    if (!SESSION_ACTIONS.includes(action)) return this.#forward(request, headers);
    const held = this.#held.get(call.roleArn ?? "");
    held?.arrive();
    await held?.released;
    const refusal = this.#refusals.get(call.roleArn ?? "");
    if (refusal) return errorAnswer(refusal, `${action} on ${call.roleArn ?? "nothing"} is refused`);
    const answer = await this.#forward(request, headers);
    return answer.status === 200 ? this.#shorten(answer) : answer;
  }

  async #forward({ path, body }: Request, headers: IncomingMessage["headers"]): Promise<Answer> {
    const { authorization = "", "content-type": type = "" } = headers;
    const answer = await fetch(this.#upstream + path, {
      method: "POST",
      headers: { authorization, "content-type": type },
      body: new Uint8Array(body),
    });
    const answerType = answer.headers.get("content-type") ?? "text/xml";
    return { status: answer.status, type: answerType, body: await answer.text() };
  }

  #shorten(answer: Answer): Answer {
    const end = Math.floor(Date.now() / 1000 + this.#sessionSeconds) * 1000;
    this.#endOfKey.set(textIn(answer.body, "AccessKeyId"), end);
    const expiration = new Date(end).toISOString().replace(".000Z", "Z");
    const token = textIn(answer.body, "SessionToken");
    let { body } = answer;
    body = withText(body, "Expiration", expiration);
    body = withText(body, "SecretAccessKey", canarySecretKey());
    body = withText(body, "SessionToken", CANARY + token);
    return { ...answer, body };
  }
}

async function readRequest(incoming: IncomingMessage): Promise<Request> {
  const at = Date.now();
  const chunks: Buffer[] = [];
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const parameters = new URLSearchParams(body.toString("latin1"));
  const [, label = "", ...path] = (incoming.url ?? "/").split("/");
  // Credential=AKID/20261121/eu-west-1/sts/aws4_request
  const scope = /Credential=([^/]+)\/\d+\/([^/]+)\//.exec(incoming.headers.authorization ?? "");
  const call = {
    label: decodeURIComponent(label),
    action: parameters.get("Action") ?? `${incoming.method ?? ""} ${incoming.url ?? ""}`,
    roleArn: parameters.get("RoleArn"),
    accessKeyId: scope?.[1] ?? null,
    region: scope?.[2] ?? null,
    at,
  };
  return { call, path: `/${path.join("/")}`, body };
}

function promiseWithResolver(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

/** An error as STS and IAM spell them. */
function errorAnswer({ status, code }: Refusal, message: string): Answer {
  const type = status < 500 ? "Sender" : "Receiver";
  const error = `<Error><Type>${type}</Type><Code>${code}</Code><Message>${message}</Message></Error>`;
  const body = `<ErrorResponse>${error}<RequestId>00000000-0000-0000-0000-000000000000</RequestId></ErrorResponse>`;
  return { status, type: "text/xml", body };
}

function textIn(xml: string, tag: string): string {
  const text = new RegExp(`<${tag}>([^<]+)</${tag}>`).exec(xml)?.[1];
  if (text === undefined) throw new Error(`moto's answer has no ${tag}`);
  return text;
}

function withText(xml: string, tag: string, text: string): string {
  return xml.replace(`<${tag}>${textIn(xml, tag)}</${tag}>`, `<${tag}>${text}</${tag}>`);
}
